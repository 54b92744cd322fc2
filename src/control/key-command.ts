import { z } from 'zod';

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/u;

/** A program that wraps data keys by a key management service. */
export const keyCommandSchema = z.strictObject({
  file: z
    .string()
    .regex(/^\/[^\0]{1,1023}$/u, 'must be an absolute path')
    .describe('The program, by its absolute path; it is run without a shell.'),
  args: z
    .array(z.string().max(1024))
    .max(32)
    .default([])
    .describe(
      'What it is called with, such as the name of a key. Every user of the machine can read this: no secret.',
    ),
  environment: z
    .array(z.string().regex(VARIABLE, 'must be the name of a variable'))
    .max(64)
    .default(['PATH', 'HOME'])
    .describe('Variables of this process that it gets, and no others.'),
  timeoutMs: z
    .int()
    .min(100)
    .max(60_000)
    .default(5_000)
    .describe('How long one run may take; then it is killed.'),
  processesMax: z.int().min(1).max(32).default(4).describe('Runs at once; further ones wait, at most 128.'),
});

/** How data keys are wrapped by a program. */
export type KeyCommand = Readonly<Omit<z.infer<typeof keyCommandSchema>, 'args' | 'environment'>> & {
  readonly args: readonly string[];
  readonly environment: readonly string[];
};
