import { z } from 'zod';
import { MASTER_KEY_BYTES } from '../../../src/control/envelope.ts';
import { keyCommandSchema } from '../../../src/control/key-command.ts';
import type { KeyWrapping } from '../../../src/control/key-command-client.ts';

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** A key that data keys are wrapped with. */
export const masterKeySchema = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/u),
  key: z.instanceof(Uint8Array).refine((key) => key.length === MASTER_KEY_BYTES, 'must be 32 bytes'),
});

/** Master keys, the first of which seals in the gateway, or the command that takes their place there. */
export const WRAPPING = {
  masterKeys: z.array(masterKeySchema).max(8).default([]),
  command: keyCommandSchema.optional(),
};

/** Whether anything opens. */
export function canOpen({ masterKeys, command }: KeyWrapping): boolean {
  return masterKeys.length > 0 || command !== undefined;
}

/** Units: milliseconds. */
const credentialsSchema = z
  .strictObject({
    /** The graph that keeps them. */
    gateway: z.url({ protocol: /^https?$/u }).refine((value) => {
      const { protocol, hostname } = new URL(value);
      return protocol === 'https:' || LOOPBACK.has(hostname);
    }, 'must be https, except on the loopback interface'),
    /** A key of the gateway, or a token, with the scope `portcullis:models`. */
    apiKey: z.string().min(1).max(8192),
    ...WRAPPING,
    /** Origins that a key may name as its endpoint besides those of the configuration, such as `https://eu.example.com`. */
    endpoints: z
      .array(z.url({ protocol: /^https$/u }).transform((value) => new URL(value).origin))
      .max(64)
      .default([]),
    /** How often the gateway is asked. */
    pollMs: z.int().min(100).max(600_000).default(5_000),
    /** How long the last that was heard is used while the gateway does not answer. */
    staleMs: z.int().min(1_000).max(86_400_000).default(300_000),
  })
  .refine(canOpen, 'masterKeys or command is required');

/** Where keys of providers are kept, and how they are opened. */
export type CredentialsConfig = z.infer<typeof credentialsSchema>;

/** Throws: ZodError. */
export function parseCredentialsConfig(value: unknown): CredentialsConfig {
  return credentialsSchema.parse(value);
}
