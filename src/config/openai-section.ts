import { z } from 'zod';
import { switchKey } from './config-keys.ts';

/** Where clients made for OpenAI are answered. */
export const openaiSection = z.strictObject({
  enabled: switchKey(
    false,
    'Answers POST PATH/chat/completions, POST PATH/embeddings and GET PATH/models as OpenAI does, by the fields chat, chatStream, embed and aiModels of the graph. They pass through the same identity, approvals, limits and audit.',
  ),
  path: z
    .string()
    .regex(/^(?:\/[A-Za-z0-9._~-]+){1,8}$/u, 'must be a path such as /v1, without a slash at its end')
    .max(256)
    .default('/v1')
    .describe('What the base URL of clients ends in.'),
});
