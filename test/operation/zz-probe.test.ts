import { it } from 'vitest';
import { compose, understand, maskOf, refusalOf } from './graph-kit.ts';
it('probe', () => {
  const g = compose(`type Query { media: Media, list: [Media!]!, t(role: Role, f: Filter): String, plain: String } interface Media { id: ID!, rel: Media } 
  type Book implements Media @requiresScopes(scopes:[["book"]]) { id: ID!, rel: Film, title: String } type Film implements Media { id: ID!, rel: Book, dir: String @requiresScopes(scopes:[["dir"]]) }
  enum Role @requiresScopes(scopes:[["role"]]) { ADMIN USER } input Filter { role: Role, and: [Filter!] }`);
  const u = understand(g, `query($a: Boolean = true, $f: Filter){ media { rel @include(if:$a) { id } ... on Film { rel { id } dir } } list { id } t(f:$f) }`);
  console.log(JSON.stringify(u.facts, null, 1));
  const m = maskOf(u, {a: true, f: {and:[{}]}}, () => true);
  const v = u.variant(m);
  console.log(m, v.text, v.removals);
  const defs = (k: number) => Array.from({length:k},(_, i)=>`input I${i} { s: Int ${Array.from({length:k},(_, j)=>`f${j}: I${j}`).join(' ')} }`).join('\n');
  for (const k of [5,6,7,8]) {
    const h = compose(`type Query { x(i: I0, r: Role): String } enum Role @requiresScopes(scopes:[["role"]]) { ADMIN USER } ${defs(k)}`);
    const t = performance.now(); understand(h, 'query($i: I0){ x(i:$i) }'); console.log(k, performance.now()-t);
  }
});
it('bombs', () => {
  const g = compose(`type Query { q: Query, a: String, b(l: [[Int]]): Int }`);
  const bomb = (n: number, leaf = 'a') => Array.from({length:n},(_, i)=>`fragment F${i} on Query { x: q{...F${i+1}} y: q{ ...F${i+1} } }`).join(' ') + ` fragment F${n} on Query { ${leaf} }`;
  for (const [name, text] of Object.entries({
     sel: `{ ...F0 } ${bomb(100)}`, unsel: `query A { a } query B { ...F0 } ${bomb(200)}`, unused: `query A { a } ${bomb(200)}`,
     flat: `query A { ${'a '.repeat(9000)} }`, flatdir: `query A { ${'a '.repeat(9900)} }`,
     spread: `{ ${'...F '.repeat(3000)} } fragment F on Query { a a a }`,
     unselSpread: `query A { a } query B { ${'...F '.repeat(3000)} } fragment F on Query { ${'a '.repeat(900)} }`,
     alias: `query A { a } query B { ${Array.from({length:3000},(_, i)=>'x: q{a}').join(' ')} }`,
     deepinline: `{ ${'... {'.repeat(3000)} a ${'}'.repeat(3000)} }`,
     deepval: `{ b(l: ${'['.repeat(4000)}${']'.repeat(4000)}) }`,
     deeptype: `query($x: ${'['.repeat(3000)}Int${']'.repeat(3000)}) { b(l:$x) }`,
     two: `query A { ...F0 } ` + Array.from({length:14},(_, i)=>`fragment F${i} on Query { ...F${i+1} @include(if: true) ...F${i+1} }`).join(' ') + ' fragment F14 on Query { a }',
  })) {
    const t = performance.now();
    let r = 'ok'; try { understand(g, text, {operationName: text.startsWith('query A') ? 'A' : null}); } catch (e) { r = `${(e as any).code ?? e}`.slice(0,80); }
    console.log(name, text.length, r, Math.round(performance.now()-t));
  }
  // 2^k conjunctions
  for (const k of [8,10,11]) {
    const vars = Array.from({length:k},(_, i)=>`$v${i}: Boolean!`).join(' ');
    const text = `query(${vars}) { ...F0 } ` + Array.from({length:k},(_, i)=>`fragment F${i} on Query { ...F${i+1} @include(if:$v${i}) ...F${i+1} @skip(if:$v${i}) }`).join(' ') + ` fragment F${k} on Query { a }`;
    const t = performance.now();
    let r = 'ok'; try { const u = understand(g, text); u.variant(''); } catch (e) { r = `${(e as any).code ?? e}`.slice(0,80); }
    console.log('conj', k, r, Math.round(performance.now()-t));
  }
});
