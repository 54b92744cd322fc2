import { readFileSync } from 'node:fs';
import { type DocumentNode, parse } from 'graphql';

/** Reads the `schema.graphql` beside a module: `readTypeDefs(import.meta.url)`. Throws: where it is missing or malformed. */
export function readTypeDefs(moduleUrl: string): DocumentNode {
  return parse(readFileSync(new URL('schema.graphql', moduleUrl), 'utf8'));
}
