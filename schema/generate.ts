import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { auditEventJsonSchema } from '../src/audit/event-schema.ts';
import { configReference } from '../src/config/config-reference.ts';
import { configJsonSchema } from '../src/config/config-schema.ts';

/** Files that are generated from the source, by their path from the root of the package. */
export const GENERATED: ReadonlyMap<string, () => string> = new Map([
  ['schema/config.schema.json', () => `${JSON.stringify(configJsonSchema(), null, 2)}\n`],
  ['schema/audit-event.schema.json', () => `${JSON.stringify(auditEventJsonSchema(), null, 2)}\n`],
  ['docs/configuration.md', () => configReference(configJsonSchema())],
]);

async function generate(root: string): Promise<void> {
  for (const [path, content] of GENERATED) {
    const target = join(root, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content());
    process.stdout.write(`${path}\n`);
  }
}

if (import.meta.main) {
  await generate(join(import.meta.dirname, '..'));
}
