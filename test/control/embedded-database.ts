import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';
import { copyDatabase } from './copy-database.ts';

/** Node has it; the types that it comes with do not. */
declare const WebAssembly: { readonly Module: new (bytes: Uint8Array) => object };

/** While this process holds it compiled, V8 gives each thread that compiles the same bytes what is there already. */
const held: object[] = [];

/** The URL of an embedded database of its own, up to date and with nothing in it; it is removed when the run ends. */
export function embeddedDatabase(): string {
  if (held.length === 0) held.push(new WebAssembly.Module(readFileSync(join(pgliteFolder(), 'pglite.wasm'))));
  const { migrated, copies } = inject('pgliteTemplates');
  return `pglite://${copyDatabase(migrated, join(copies, randomUUID()))}`;
}

function pgliteFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('@electric-sql/pglite'));
}
