import { z } from 'zod';
import type { GraphQLParams, GraphQLResponseBody } from '../request.ts';
import { cacheUse, faultOf, operation } from './chat-request.ts';
import type { OpenAiError } from './openai-error.ts';

/** What is asked of the graph, and in which form vectors go back. */
export interface EmbeddingRequest {
  readonly params: GraphQLParams;
  readonly model: string;
  readonly base64: boolean;
}

const EMBED =
  'mutation OpenAiEmbed($input: EmbedInput!) { embed(input: $input) { embeddings { index vector } usage { inputTokens totalTokens } } }';

const embeddingSchema = z.strictObject({
  model: z.string().min(1).max(256),
  input: z.union([z.string(), z.array(z.string()).max(2048)]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  user: z.unknown().optional(),
});

interface EmbeddingResult {
  readonly embeddings: readonly { readonly index: number; readonly vector: readonly number[] }[];
  readonly usage: { readonly inputTokens: number; readonly totalTokens: number };
}

/** Reads the body of `POST /embeddings`. */
export function parseEmbedding(body: unknown, cacheControl?: string): EmbeddingRequest | OpenAiError {
  const parsed = embeddingSchema.safeParse(body);
  if (!parsed.success) return faultOf(parsed.error);
  const { model, input, encoding_format: format } = parsed.data;
  const cache = cacheUse(cacheControl);
  const texts = typeof input === 'string' ? [input] : input;
  return {
    params: {
      ...operation(EMBED),
      variables: { input: { model, texts, ...(cache === undefined ? {} : { cache }) } },
    },
    ...{ model, base64: format === 'base64' },
  };
}

/** The vectors in OpenAI's form; null where the graph gave none. Source: OpenAI API reference, "Embeddings". */
export function embeddingList(
  data: GraphQLResponseBody['data'],
  { model, base64 }: EmbeddingRequest,
): object | null {
  const result = data?.['embed'] as EmbeddingResult | null | undefined;
  if (result == null) return null;
  return {
    object: 'list',
    data: result.embeddings.map(({ index, vector }) => {
      return { object: 'embedding', index, embedding: base64 ? littleEndian(vector) : vector };
    }),
    model,
    usage: { prompt_tokens: result.usage.inputTokens, total_tokens: result.usage.totalTokens },
  };
}

const FLOAT_BYTES = 4;

function littleEndian(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * FLOAT_BYTES);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * FLOAT_BYTES);
  return bytes.toString('base64');
}
