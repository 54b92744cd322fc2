import { z } from 'zod';
import { CATALOGUE, type ErrorCode } from '../errors.ts';
import { MODEL_OUTCOMES } from './event.ts';
import { EVENT_LIMITS } from './event-limits.ts';
import type { PublishedEvent } from './published-event.ts';

const token = z.string().max(EVENT_LIMITS.tokenChars);
const name = z.string().max(EVENT_LIMITS.nameChars);
const count = z.int().nonnegative();
const truncated = count.describe('How many entries the list before it left out.');
const errorCode = z.enum(Object.keys(CATALOGUE) as [ErrorCode, ...ErrorCode[]]);

const measures = z.strictObject({
  tokens: count,
  directives: count,
  depth: count,
  height: count,
  aliases: count,
  rootFields: count,
  selections: count,
});

const reason = z.strictObject({
  rule: name,
  code: errorCode,
  coordinate: name.nullable().describe('Schema coordinate; null where the whole operation is meant.'),
  path: z
    .array(z.union([z.string().max(EVENT_LIMITS.pathKeyChars), count]))
    .max(EVENT_LIMITS.pathSteps)
    .readonly()
    .nullable()
    .describe('Response keys from the root, @ for a list step.'),
});

const fetchRecord = z.strictObject({
  subgraph: name,
  durationUs: count,
  status: count.describe('HTTP status, or 0 where no answer came.'),
  errors: count,
  trace: z
    .enum(['read', 'absent', 'invalid'])
    .nullable()
    .describe('What came of the trace of its resolvers; null where it was not asked for one.'),
  models: z
    .array(
      z.strictObject({
        model: name,
        provider: name,
        outcome: z.enum(MODEL_OUTCOMES).describe('CACHED where no model was asked: the answer was kept.'),
        status: count.nullable().describe("The provider's HTTP status, where it refused."),
        durationMs: count,
      }),
    )
    .max(EVENT_LIMITS.models)
    .readonly()
    .describe('What came of the AI models that it asked, as it says.'),
  modelsTruncated: truncated,
  findings: z
    .array(
      z.strictObject({
        guardrail: name,
        kind: name,
        direction: z.enum(['input', 'output']),
        action: z.enum(['block', 'mask', 'report']),
        count,
      }),
    )
    .max(EVENT_LIMITS.findings)
    .readonly()
    .describe('What guardrails of AI models found, as it says; never the text.'),
});

const principal = z.strictObject({
  kind: z.enum(['user', 'service', 'agent', 'anonymous']),
  subject: name,
  tenant: name.nullable(),
  application: name.nullable(),
  issuer: name.nullable(),
  credentialId: name.nullable().describe('Names the credential without being usable as one.'),
});

const operation = z.strictObject({
  hash: name,
  name: name.nullable(),
  type: z.string().max(EVENT_LIMITS.tokenChars),
  measures,
  exceeded: z.array(errorCode).readonly().describe('Limits exceeded and only warned of.'),
  coordinates: z.array(name).max(EVENT_LIMITS.coordinates).readonly(),
  coordinatesTruncated: truncated,
  argumentsTruncated: count.describe('How many arguments were not recorded, because there were too many.'),
});

const changedFields = z
  .array(
    z.strictObject({
      name,
      value: z.union([name, z.number(), z.boolean(), z.null(), z.array(name).max(64).readonly()]),
    }),
  )
  .max(64)
  .readonly();

const change = z.strictObject({
  action: name,
  entity: name,
  id: name,
  before: changedFields.nullable().describe('Null where there was nothing before.'),
  after: changedFields.nullable().describe('Null where nothing is left.'),
});

const record = z.strictObject({
  coordinate: name,
  decision: z
    .enum(['permit', 'refuse', 'none'])
    .describe('none where it was not judged: the request ended before, or it stands below what is refused.'),
  rule: name.nullable().describe('What refused it, or some of its objects, or would have in a dry run.'),
  code: errorCode.nullable(),
  resolved: count.describe('Objects that answered it, with null or a value.'),
  nulls: count,
  refused: count.describe('Objects on which, or whose objects, it was refused.'),
  errors: count.describe('Errors of subgraphs at it, values that do not fit the schema, objects withheld.'),
  sizeClass: count.describe(
    'How much came back: 0 for nothing, else the number of bits of the length of its values as text.',
  ),
  fetches: z
    .array(count)
    .max(EVENT_LIMITS.fetches)
    .readonly()
    .describe('Indexes of the fetches that asked for it.'),
  arguments: z
    .array(z.strictObject({ name, value: token }))
    .max(EVENT_LIMITS.arguments)
    .readonly()
    .describe('Its arguments that @audit asks for: a keyed digest of the value, or redacted, or oversized.'),
  changes: z.array(change).max(100).readonly().describe('What it changed in the control plane.'),
  resolvers: z
    .strictObject({ count, sumUs: count, maxUs: count })
    .nullable()
    .describe("How long the subgraphs' own resolvers took, as they say; null where none told."),
});

/** The shape of one audit event as it leaves the log. */
export const auditEventSchema = z.strictObject({
  version: z.literal(1),
  severity: z
    .enum(['normal', 'critical'])
    .describe('critical where a subgraph let out what belongs to another tenant.'),
  time: z.iso.datetime().describe('When the request came in: RFC 3339, UTC.'),
  requestId: token,
  remoteAddress: token,
  method: token,
  principal: principal.nullable().describe('Who asked; null where no identity was established.'),
  supergraph: name.nullable(),
  operation: operation.nullable().describe('What was asked; null where it was never compiled.'),
  decision: z.strictObject({
    effect: z.enum(['permit', 'filter', 'deny', 'hold', 'none']),
    reasons: z.array(reason).max(EVENT_LIMITS.reasons).readonly(),
    reasonsTruncated: truncated,
  }),
  cost: z
    .strictObject({
      estimated: count,
      actual: count.nullable().describe('By what came back; null where nothing ran.'),
      max: count,
    })
    .nullable()
    .describe('What it cost; null where costs are not counted, or it did not get that far.'),
  fetches: z.array(fetchRecord).max(EVENT_LIMITS.fetches).readonly().describe('What really ran.'),
  fetchesTruncated: truncated,
  sensitive: z
    .partialRecord(z.enum(['PERSONAL', 'FINANCIAL', 'HEALTH', 'SECRET', 'CONFIDENTIAL']), count)
    .readonly()
    .describe('Values of each class of sensitive data that the caller saw.'),
  records: z
    .array(record)
    .max(EVENT_LIMITS.coordinates)
    .readonly()
    .describe('What became of each coordinate of the operation, in its order.'),
  status: count.describe('HTTP status of the answer.'),
  code: errorCode.nullable().describe('Code of the refusal; null where the operation ran.'),
  errors: count,
  foreignObjects: count.describe('Objects of another tenant that came from subgraphs and were withheld.'),
  events: count
    .nullable()
    .describe('Events delivered, in the record that ends a subscription; null in any other.'),
  durationUs: count,
});

type Same<A, B> = [A, B] extends [B, A] ? true : never;

/** Does not compile when the type and the schema of an event drift apart. */
export const SCHEMA_MATCHES_TYPE: Same<PublishedEvent, z.infer<typeof auditEventSchema>> = true;

/** The JSON Schema of one audit event, as published in `schema/audit-event.schema.json`. */
export function auditEventJsonSchema(): Record<string, unknown> {
  return { title: 'Portcullis audit event', ...z.toJSONSchema(auditEventSchema) };
}
