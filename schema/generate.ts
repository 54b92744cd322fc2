import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { auditEventJsonSchema } from '../src/audit/event-schema.ts';
import { configReference } from '../src/config/config-reference.ts';
import { configJsonSchema } from '../src/config/config-schema.ts';
import { composeSupergraph } from '../src/supergraph/compose.ts';

/** The examples and where `main.ts` of each listens. */
const EXAMPLES = [
  ['accounts', 4101],
  ['catalog', 4102],
  ['orders', 4103],
  ['ai', 4104],
] as const;

function exampleSupergraph(): string {
  const folder = join(import.meta.dirname, '..', 'subgraphs');
  const subgraphs = EXAMPLES.map(([name, port]) => ({
    name,
    url: `http://127.0.0.1:${port}/graphql`,
    sdl: readFileSync(join(folder, name, 'schema.graphql'), 'utf8'),
  }));
  return `${composeSupergraph(subgraphs).sdl.trimEnd()}\n`;
}

/** Files that are generated from the source, by their path from the root of the package. */
export const GENERATED: ReadonlyMap<string, () => string> = new Map([
  ['schema/config.schema.json', () => `${JSON.stringify(configJsonSchema(), null, 2)}\n`],
  ['schema/audit-event.schema.json', () => `${JSON.stringify(auditEventJsonSchema(), null, 2)}\n`],
  ['schema/supergraph.graphql', exampleSupergraph],
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
