import { z } from 'zod';
import { PII_KINDS } from './pii-detector.ts';
import { isTopicPattern } from './topics-detector.ts';

const direction = z.enum(['block', 'mask', 'report', 'off']);
const judged = z.enum(['block', 'report', 'off']);
/** Texts of one call are bounded by the schema of the subgraph; these bounds are for less. Units: UTF-16 code units. */
const characters = z.int().min(1).max(1_000_000);
const pattern = z
  .string()
  .max(100)
  .refine(isTopicPattern, 'must be 1 to 8 words, each with a star at its end or without');

const sections = {
  /** Personal data. */
  pii: z
    .strictObject({
      input: direction.default('mask'),
      output: direction.default('mask'),
      kinds: z
        .array(z.enum(PII_KINDS))
        .min(1)
        .default([...PII_KINDS]),
      /** Whether the answer gets back what was masked in the input. */
      reversible: z.boolean().default(true),
    })
    .optional(),
  /** Keys, tokens and passwords. */
  secrets: z
    .strictObject({ input: direction.default('block'), output: direction.default('mask') })
    .optional(),
  /** What tries to talk a model out of its instructions, in all messages but those of the system. */
  injection: z.strictObject({ input: direction.default('block') }).optional(),
  /** By words and phrases; a star at the end of a word stands for any ending. */
  topics: z
    .strictObject({
      input: direction.default('block'),
      output: direction.default('block'),
      denied: z.array(pattern).max(1000).default([]),
      /** One of them has to stand in what the user said last. */
      allowed: z.array(pattern).max(1000).default([]),
    })
    .refine(({ denied, allowed }) => denied.length + allowed.length > 0, 'finds nothing')
    .optional(),
  /** Less than what the schema takes. */
  sizes: z
    .strictObject({
      input: judged.default('block'),
      output: judged.default('block'),
      inputCharactersMax: characters.optional(),
      messageCharactersMax: characters.optional(),
      messagesMax: z.int().min(1).max(50).optional(),
      outputCharactersMax: characters.optional(),
    })
    .optional(),
  /** Images, which no guardrail reads. Default: as `block` where a guardrail blocks a text of the input, as `report` where one masks it. */
  images: z.strictObject({ input: judged.default('block') }).optional(),
  /** An answer by `responseSchema` has to follow it. */
  outputSchema: z.strictObject({ output: judged.default('block') }).optional(),
};

const policySchema = z.strictObject(sections);
const guardrailsSchema = z.strictObject({
  ...sections,
  /** By tenant: a guardrail named here takes the place of the one for all; `off` turns it off. */
  tenants: z
    .record(
      z.string().min(1).max(256),
      z.strictObject(
        Object.fromEntries(
          Object.entries(sections).map(([name, section]) => [
            name,
            z.union([z.literal('off'), section]).optional(),
          ]),
        ) as {
          [K in keyof typeof sections]: z.ZodOptional<
            z.ZodUnion<[z.ZodLiteral<'off'>, (typeof sections)[K]]>
          >;
        },
      ),
    )
    .refine((tenants) => Object.keys(tenants).length <= 10_000, 'too many tenants')
    .default({}),
});

/** What is looked for in the calls of one tenant; what is absent is off. */
export type GuardrailPolicy = z.infer<typeof policySchema>;
/** What is looked for, for all tenants and for some. */
export type GuardrailsConfig = z.infer<typeof guardrailsSchema>;

/** Throws: ZodError. */
export function parseGuardrails(value: unknown): GuardrailsConfig {
  return guardrailsSchema.parse(value ?? {});
}

/** The policy of a tenant that the configuration names, by its own guardrails and those for all. */
export function policyWith(
  { tenants: _tenants, ...all }: GuardrailsConfig,
  own: GuardrailsConfig['tenants'][string],
): GuardrailPolicy {
  const merged = Object.entries({ ...all, ...own }).filter(
    ([, section]) => section !== 'off' && section !== undefined,
  );
  return Object.fromEntries(merged) as GuardrailPolicy;
}
