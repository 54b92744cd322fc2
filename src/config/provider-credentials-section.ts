import { z } from 'zod';
import { keyCommandSchema } from '../control/key-command.ts';

/** Keys of AES-256. Units: bytes. */
const MASTER_KEY_BYTES = 32;

const masterKey = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/u, 'must be letters, digits, dashes and underscores')
    .describe('Name under which it is kept what was sealed with it.'),
  key: z
    .string()
    .check((context) => {
      if (Buffer.from(context.value.trim(), 'base64').length === MASTER_KEY_BYTES) return;
      const message = 'must be 32 bytes in base64';
      // Its value is never shown.
      context.issues.push({ code: 'custom', message, input: undefined });
    })
    .describe('32 bytes in base64; name a variable or a file that holds them.'),
});

/** What keys of AI providers are sealed with. */
export const providerCredentialsSection = z.strictObject({
  masterKeys: z
    .array(masterKey)
    .max(8)
    .refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length, 'two keys have the same id')
    .default([])
    .describe(
      'The first seals; further ones are those that it takes the place of. Without any, and without a command, no key of a provider can be added.',
    ),
  command: keyCommandSchema
    .optional()
    .describe(
      'A program that seals by a key management service; the master keys then only open what they have sealed.',
    ),
});
