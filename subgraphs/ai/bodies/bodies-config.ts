import { z } from 'zod';
import { canOpen, WRAPPING } from '../credentials/credentials-config.ts';

const bodiesSchema = z
  .strictObject({
    /** Those of the gateway (`providerCredentials`). */
    ...WRAPPING,
    /** How often it is asked whose are kept. Units: milliseconds. */
    pollMs: z.int().min(100).max(600_000).default(5_000),
    /** How long the last that was heard counts; nothing is kept after. Units: milliseconds. */
    staleMs: z.int().min(1_000).max(3_600_000).default(60_000),
    /** What is longer is cut. Units: UTF-16 code units of JSON. */
    bodyCharactersMax: z.int().min(1_024).max(1_048_576).default(262_144),
    /** That wait to be written; what comes beyond is not kept, and counted. */
    pendingMax: z.int().min(1).max(10_000).default(128),
  })
  .refine(canOpen, 'masterKeys or command is required');

/** How questions and answers are kept. */
export type BodiesConfig = z.infer<typeof bodiesSchema>;

/** Throws: ZodError. */
export function parseBodies(value: unknown): BodiesConfig {
  return bodiesSchema.parse(value);
}
