import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GENERATED } from '../../schema/generate.ts';
import type { SchemaNode } from '../../src/config/config-schema.ts';
import { configJsonSchema } from '../../src/config/config-schema.ts';

const ROOT = join(import.meta.dirname, '../..');

function nodes(node: SchemaNode, path: string): [string, SchemaNode][] {
  const below = Object.entries(node.properties ?? {}).flatMap(([name, child]) =>
    nodes(child, `${path}.${name}`),
  );
  const items = node.items?.properties === undefined ? [] : nodes(node.items, `${path}[]`);
  const named = node.additionalProperties ? nodes(node.additionalProperties, `${path}.*`) : [];
  return [[path, node], ...below, ...items, ...named];
}

const all = nodes(configJsonSchema(), '');

describe('generated files', () => {
  it.each([...GENERATED.keys()])('%s is as the source says (npm run generate)', (path) => {
    expect(readFileSync(join(ROOT, path), 'utf8')).toBe(GENERATED.get(path)?.());
  });
});

describe('the schema of the configuration', () => {
  it('says of every key what it is for', () => {
    const silent = all.filter(([path, node]) => path !== '' && !/(\[\]|\*)$/.test(path) && !node.description);
    expect(silent.map(([path]) => path)).toEqual([]);
  });

  it('accepts no other keys anywhere', () => {
    const open = all.filter(
      ([, node]) => node.properties !== undefined && node.additionalProperties !== false,
    );
    expect(open.map(([path]) => path)).toEqual([]);
  });

  it('bounds every number on both sides and every list in length', () => {
    const unbounded = all.filter(
      ([, node]) =>
        (node.type === 'integer' && (node.minimum === undefined || node.maximum === undefined)) ||
        (node.type === 'array' && node.maxItems === undefined),
    );
    expect(unbounded.map(([path]) => path)).toEqual([]);
  });
});
