import { z } from 'zod';

const MIB = 1024 * 1024;

/** Units: seconds, bytes and milliseconds. */
const cacheSchema = z.strictObject({
  /** Whose answers are kept: of the tenants that are named, or of all. Each tenant has its own, whatever stands here. */
  tenants: z.union([z.literal('all'), z.array(z.string().min(1).max(256)).min(1).max(1000)]),
  /** How long an answer is used. */
  ttlSeconds: z.int().min(1).max(2_592_000).default(3_600),
  /** Answers of all tenants together. Beyond it, the tenant with most gives its oldest. */
  entriesMax: z.int().min(1).max(1_000_000).default(10_000),
  /** What they take together. */
  bytesMax: z
    .int()
    .min(MIB)
    .max(65_536 * MIB)
    .default(64 * MIB),
  /** A longer answer is not kept. */
  entryBytesMax: z
    .int()
    .min(256)
    .max(MIB)
    .default(MIB / 4),
  /** Vectors of texts, each by itself. Default: none are kept. */
  embeddings: z
    .strictObject({
      /** Vectors of all tenants together. */
      entriesMax: z.int().min(1).max(10_000_000).default(20_000),
      /** What they take together: 8 bytes for each number. */
      bytesMax: z
        .int()
        .min(MIB)
        .max(65_536 * MIB)
        .default(64 * MIB),
    })
    .optional(),
  /** Answers to questions that are nearly the same. Default: only to the same ones. */
  semantic: z
    .strictObject({
      /** Whose vectors tell how near two questions are. */
      model: z.string().min(1).max(256).default('portcullis/offline-embedding'),
      /** The least cosine of two questions that are taken for the same. */
      threshold: z.number().min(0.5).max(1).default(0.95),
      /** Questions that one is compared with. */
      candidatesMax: z.int().min(1).max(10_000).default(500),
      /** How long a vector is waited for; without one, the model is asked. */
      timeoutMs: z.int().min(10).max(30_000).default(1_000),
    })
    .optional(),
});

/** What becomes of answers; each key but `tenants` has a default. */
export type CacheConfig = z.infer<typeof cacheSchema>;

/** Throws: ZodError, also where the vectors would be those of a model that has none. */
export function parseCache(value: unknown, embeddingModels: ReadonlySet<string>): CacheConfig | null {
  if (value === undefined) return null;
  return z
    .strictObject({ cache: cacheSchema })
    .superRefine(({ cache }, context) => {
      if (cache.semantic === undefined || embeddingModels.has(cache.semantic.model)) return;
      const path = ['cache', 'semantic', 'model'];
      context.addIssue({ code: 'custom', message: 'is no model that embeds', path });
    })
    .parse({ cache: value }).cache;
}
