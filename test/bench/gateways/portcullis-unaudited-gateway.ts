import { registerHooks } from 'node:module';
import { AUDIT_MODULES } from './nothing-recorded.ts';

/** Portcullis without its audit, which is no way to run it: for measuring what the audit costs. */
const SOURCES = new URL('../../../src/', import.meta.url);
const REPLACED = new Set(AUDIT_MODULES.map((name) => new URL(name, SOURCES).href));
const url = new URL('nothing-recorded.ts', import.meta.url).href;
const seen = new Set<string>();

registerHooks({
  resolve: (specifier, context, next) => {
    const found = next(specifier, context);
    if (!REPLACED.has(found.url)) return found;
    seen.add(found.url);
    return { ...found, url };
  },
});
await import('./portcullis-gateway.ts');
// A module that has moved would leave the audit on, and the measurement would say that it costs nothing.
if (seen.size < REPLACED.size) throw new Error('the audit stands in other modules than these');
