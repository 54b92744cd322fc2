import { configJsonSchema } from '../config/config-schema.ts';

/** `portcullis config schema`: prints the JSON Schema of the configuration. */
export function printConfigSchema(): void {
  process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
}
