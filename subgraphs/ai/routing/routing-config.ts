import { z } from 'zod';

const targetSchema = z.strictObject({
  model: z.string().regex(/^[^/]+\/.+$/u, 'is a model, as provider/id'),
  /** How often it comes first, beside the others; 0 is asked only after them. */
  weight: z.number().min(0).max(1000).default(1),
});

const aliasSchema = z.strictObject({
  /** Has no slash, so that it is never a model. */
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/u, 'must be lower case letters, digits and hyphens'),
  /** Whose it is; an alias of a tenant takes the place of that for everybody. */
  tenant: z.string().min(1).max(128).optional(),
  targets: z.array(targetSchema).min(1).max(16),
});

/** Units: milliseconds. */
const routingSchema = z.strictObject({
  /** Attempts of one call, the first included. */
  attemptsMax: z.int().min(1).max(10).default(4),
  /** Bound of one attempt, or of its first part where it is streamed, where others could follow it. */
  attemptTimeoutMs: z.int().min(10).max(600_000).default(12_000),
  /** Wait before the same key is asked again; doubled each time, with a random part of up to as much. */
  backoffMs: z.int().min(0).max(60_000).default(200),
  /** Failures in a row after which a key is left alone. */
  failuresMax: z.int().min(1).max(1000).default(5),
  /** How long it is left alone before one call tries again. */
  openMs: z.int().min(0).max(3_600_000).default(15_000),
  /** How long a key that its provider refused is not used. */
  refusedMs: z.int().min(0).max(3_600_000).default(60_000),
  /** How long a limited key is not used where its provider does not say. */
  cooldownMs: z.int().min(0).max(3_600_000).default(1_000),
  /** Longest that a provider's `retry-after` is heeded. */
  cooldownMsMax: z.int().min(0).max(3_600_000).default(120_000),
});

const aliasesSchema = z
  .array(aliasSchema)
  .max(256)
  .refine(
    (aliases) =>
      new Set(aliases.map(({ name, tenant = '' }) => `${tenant}\0${name}`)).size === aliases.length,
    'two aliases of one tenant have the same name',
  );

/** A name for whichever of its models answers. */
export type AliasConfig = z.infer<typeof aliasSchema>;
/** How attempts are made; each has a default. */
export type RoutingConfig = z.infer<typeof routingSchema>;

/** Throws: ZodError. */
export function parseRouting(value: unknown): RoutingConfig {
  return routingSchema.parse(value ?? {});
}

/** Throws: ZodError, also where an alias names a model that is not among `models`. */
export function parseAliases(value: unknown, models: ReadonlySet<string>): readonly AliasConfig[] {
  return aliasesSchema
    .superRefine((aliases, context) => {
      for (const [index, { targets }] of aliases.entries())
        for (const [at, { model }] of targets.entries())
          if (!models.has(model))
            context.addIssue({
              ...{ code: 'custom', message: 'is no model that is configured' },
              path: [index, 'targets', at, 'model'],
            });
    })
    .parse(value ?? []);
}
