import { it } from 'vitest';
import { compose, understand } from './graph-kit.ts';

it('x', () => {
  const g = compose('type Query { a: String q: Query }');
  for (const n of [1, 20, 100]) {
    const t = performance.now();
    try {
      understand(g, `{ ${'...F '.repeat(n)} } fragment F on Query { ${'a '.repeat(999)} }`, {
        limits: { warnOnly: true },
      });
    } catch (e) {
      console.log((e as any).code, JSON.stringify((e as any).details).slice(0, 300));
    }
    console.log(n, performance.now() - t);
  }
  for (const k of [6, 8, 10, 11, 12]) {
    const vars = Array.from({ length: k }, (_, i) => `$v${i}: Boolean!`).join(' ');
    const text =
      `query(${vars}) { q { ...F0 } } ` +
      Array.from(
        { length: k },
        (_, i) =>
          `fragment F${i} on Query { ...F${i + 1} @include(if:$v${i}) ...F${i + 1} @skip(if:$v${i}) }`,
      ).join(' ') +
      ` fragment F${k} on Query { a }`;
    const t = performance.now();
    let r = 'ok';
    try {
      const u = understand(g, text);
      u.variant('');
    } catch (e) {
      r = `${(e as any).code ?? e}`.slice(0, 80);
    }
    console.log('conj', k, r, Math.round(performance.now() - t));
  }
});
