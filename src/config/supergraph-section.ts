import { z } from 'zod';
import { integerKey, pathKey, serviceUrlKey, switchKey } from './config-keys.ts';

/** Names that composition and the registry accept alike. */
export const subgraphName = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, {
  error: 'a subgraph name is a letter followed by at most 63 letters, digits, _ or -',
});

const composedSubgraph = z.strictObject({
  name: subgraphName.describe('Name of the subgraph, unique.'),
  url: serviceUrlKey('Where the gateway reaches it.'),
  schema: pathKey('Its schema in SDL.'),
});

const composedSubgraphs = z
  .array(composedSubgraph)
  .min(1)
  .max(500)
  .check((context) => {
    const seen = new Set<string>();
    for (const [index, { name }] of context.value.entries()) {
      if (seen.has(name)) {
        const message = 'this subgraph name is already taken by another entry';
        context.issues.push({ code: 'custom', message, path: [index, 'name'], input: name });
      }
      seen.add(name);
    }
  });

/** Where the graph comes from: a composed file, or subgraph schemas to compose at start. */
export const supergraphSection = z
  .strictObject({
    file: pathKey('A composed supergraph. Give either this or subgraphs.').exactOptional(),
    subgraphs: composedSubgraphs
      .exactOptional()
      .describe('Subgraphs to compose at start. Give either this or file.'),
    watch: switchKey(
      true,
      'Takes up changes of those files while running; a broken change is reported and the old graph stays.',
    ),
    pollMs: integerKey({
      min: 100,
      max: 3_600_000,
      default: 1000,
      about:
        'How often those files are looked at, in milliseconds, where the file system does not tell of changes.',
    }),
  })
  .refine((section) => (section.file === undefined) !== (section.subgraphs === undefined), {
    error: 'needs exactly one of file and subgraphs',
  });
