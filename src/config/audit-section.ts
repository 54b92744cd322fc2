import { z } from 'zod';
import { auditShipPollKey, auditSinksKey } from './audit-sinks-section.ts';
import { integerKey, pathKey } from './config-keys.ts';

/** The record of every operation. */
export const auditSection = z.strictObject({
  directory: pathKey(
    'Where the audit log is written; created if missing, readable by its owner only.',
  ).default('./.portcullis/audit'),
  keyFile: pathKey(
    'Ed25519 private key as a JWK that signs the audit log. Without it a key is made once, beside the directory.',
  ).exactOptional(),
  segmentBytes: integerKey({
    min: 65_536,
    max: 1_073_741_824,
    default: 67_108_864,
    about: 'Size from which a segment of the audit log is sealed and the next one begun, in bytes.',
  }),
  whenUnwritable: z
    .enum(['refuse', 'permitQueries'])
    .default('refuse')
    .describe(
      'What happens while the log cannot be written: refuse everything, or let queries run unrecorded. Mutations are refused either way.',
    ),
  durability: z
    .enum(['strict', 'relaxed'])
    .default('strict')
    .describe(
      'strict: a mutation runs once a line that says so is on disk, whatever becomes of the process. relaxed: it does not wait; a crash may lose the last 100 ms.',
    ),
  queueEventsMax: integerKey({
    min: 1,
    max: 1_000_000,
    default: 10_000,
    about: 'Events that may wait for the disk.',
  }),
  queueBytes: integerKey({
    min: 65_536,
    max: 1_073_741_824,
    default: 16_777_216,
    about: 'Size of the events that may wait for the disk, in bytes.',
  }),
  retention: z
    .strictObject({
      days: z
        .int()
        .min(1)
        .max(36_500)
        .describe('Age from which segments are removed, in days since their last line.')
        .exactOptional(),
      bytes: z
        .int()
        .min(1_048_576)
        .max(Number.MAX_SAFE_INTEGER)
        .describe('Size of all segments from which on the oldest are removed, in bytes.')
        .exactOptional(),
    })
    .prefault({})
    .describe(
      'When segments of the log are removed; without a key never. Looked at as each segment begins; the newest stays, and what a configured sink has not shipped. What was removed is recorded in the log, signed.',
    ),
  resolverTimesPercent: integerKey({
    min: 0,
    max: 100,
    default: 0,
    about:
      "Share of operations whose subgraphs are asked how long their own resolvers take (Apollo's inline trace), in percent. What the schema marks as @audit(level: FULL) is always asked.",
  }),
  sinks: auditSinksKey,
  shipPollMs: auditShipPollKey,
});
