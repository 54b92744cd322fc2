import { describe, expect, it } from 'vitest';
import { SELECTIONS_CEILING } from '../../src/operation/limits.ts';
import { cpuMsOf } from '../cpu-time.ts';
import { codeOf, compose, refusalOf, understand } from './graph-kit.ts';

const GRAPH = compose(`
  type Query { q: Query a: String b: String list: [Query!] item: Item }
  type Mutation { a: String }
  interface Item { id: ID! }
  type One implements Item { id: ID! one: String }
  type Two implements Item { id: ID! two: String }
`);

describe('hostile documents', () => {
  const bomb = (levels: number, last = 'a') => {
    const fragments = Array.from(
      { length: levels },
      (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`,
    );
    return `${fragments.join(' ')} fragment F${levels} on Query { ${last} }`;
  };
  const TIME_MAX_MS = 1_000;
  const timed = async (work: () => void): Promise<void> =>
    expect(await cpuMsOf(work)).toBeLessThan(TIME_MAX_MS);

  it.each([20, 64, 400])('refuses a bomb of %i nested fragments at once', (levels) => {
    return timed(() => {
      const code = codeOf(() => understand(GRAPH, `{ q { ...F0 } } ${bomb(levels)}`));
      expect(code).toBe('MAX_SELECTIONS_LIMIT');
    });
  });

  it.each([20, 64, 400])(
    'refuses a bomb of %i levels below the hard ceiling though config only warns',
    (levels) => {
      return timed(() => {
        const text = `{ q { ...F0 } } ${bomb(levels)}`;
        expect(codeOf(() => understand(GRAPH, text, { limits: { warnOnly: true } }))).toBe(
          'MAX_SELECTIONS_LIMIT',
        );
      });
    },
  );

  it('refuses a bomb of aliased fields, doubled at each level', () => {
    const fragments = Array.from(
      { length: 18 },
      (_, i) => `fragment F${i} on Query { x: q { ...F${i + 1} } y: q { ...F${i + 1} } }`,
    );
    const text = `{ ...F0 } ${fragments.join(' ')} fragment F18 on Query { a }`;
    return timed(() => expect(codeOf(() => understand(GRAPH, text))).toBe('MAX_ALIASES_LIMIT'));
  });

  it('is not held up by a bomb in an operation that is not selected', () => {
    return timed(() => {
      const text = `query A { a } query B { ...F0 } ${bomb(200)}`;
      expect(understand(GRAPH, text, { operationName: 'A' }).facts.measures.selections).toBe(1);
    });
  });

  it('saturates what it counts', () => {
    const limits = { tokens: 100_000, selections: Number.MAX_SAFE_INTEGER };
    const work = () => understand(GRAPH, `{ q { ...F0 } } ${bomb(2_000)}`, { limits });
    expect(codeOf(work)).toBe('MAX_SELECTIONS_LIMIT');
  });

  it('expands 98,304 selections where config only warns, and not twice as many', () => {
    const text = (levels: number) => `{ q { ...F0 } } ${bomb(levels)}`;
    const limits = { warnOnly: true };
    expect(understand(GRAPH, text(15), { limits }).facts.warnings).toEqual(['MAX_SELECTIONS_LIMIT']);
    expect(SELECTIONS_CEILING).toBe(100_000);
    expect(codeOf(() => understand(GRAPH, text(16), { limits }))).toBe('MAX_SELECTIONS_LIMIT');
  });

  it.each([
    ['itself', '{ ...A } fragment A on Query { ...A }'],
    ['itself below a field', '{ ...A } fragment A on Query { q { ...A } }'],
    ['each other', '{ ...A } fragment A on Query { ...B } fragment B on Query { q { ...A } }'],
  ])('answers fragments that spread %s by validation', (_, text) => {
    expect(codeOf(() => understand(GRAPH, text))).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  it.each([
    ['an unused fragment', '{ a } fragment A on Query { a }'],
    ['an unknown fragment', '{ ...A }'],
    ['an unused variable', 'query($a: Int) { a }'],
    ['an unknown field', '{ nothing }'],
    ['an unknown directive', '{ a @live }'],
    ['two values under one key', '{ a a: b }'],
    ['an alias that begins like an introspection field', '{ __typename: a }'],
    ['a reserved alias', '{ __proto__: a }'],
    ['a reserved alias on an introspection field', '{ __x: __typename }'],
  ])('refuses %s', (_, text) => {
    expect(codeOf(() => understand(GRAPH, text))).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  it.each([
    '',
    ' ',
    '{',
    '{ a',
    '}',
    '{ a(',
    '"',
    '{ a } }',
    '{ a @ }',
    'query',
    '\u0000',
    '{ \u0000 }',
    '{ a(x: "\u0000) }',
    '{ a(b: """ }',
  ])('refuses %j as no document', (text) => {
    expect(codeOf(() => understand(GRAPH, text))).toBe('GRAPHQL_PARSE_FAILED');
  });

  it('makes no suggestions', () => {
    for (const text of [
      '{ lst { a } }',
      '{ item { oe } }',
      '{ item { ... on On { id } } }',
      '{ a @skp(if: true) }',
    ]) {
      const { code, details } = refusalOf(() => understand(GRAPH, text));
      expect(code).toBe('GRAPHQL_VALIDATION_FAILED');
      expect(JSON.stringify(details)).not.toMatch(/did you mean|"list|One|@skip/iu);
    }
  });

  it('tells at most eleven errors of a document', () => {
    const text = `{ ${Array.from({ length: 50 }, (_, i) => `n${i}`).join(' ')} }`;
    const limits = { rootFields: 100 };
    expect(refusalOf(() => understand(GRAPH, text, { limits })).details.length).toBeLessThanOrEqual(11);
  });

  it('counts directives of spread fragments once each time they are spread, up to ten times the limit', () => {
    const text = (count: number) =>
      `{ ${'...F @include(if: true) '.repeat(count)} } fragment F on Query { a }`;
    expect(understand(GRAPH, text(30), { limits: { directives: 30 } }).facts.warnings).toEqual([]);
    expect(codeOf(() => understand(GRAPH, text(30), { limits: { directives: 29 } }))).toBe(
      'MAX_DIRECTIVES_LIMIT',
    );
  });

  it.each([
    ['list values', (n: number) => `query($l: Json) { x: a(l: ${'['.repeat(n)}${']'.repeat(n)}) }`],
    ['object values', (n: number) => `{ a(l: ${'{a:'.repeat(n)}1${'}'.repeat(n)}) }`],
    ['a default', (n: number) => `query($l: Json = ${'['.repeat(n)}${']'.repeat(n)}) { a }`],
    ['a type', (n: number) => `query($l: ${'['.repeat(n)}Int${']'.repeat(n)}) { a }`],
    ['a directive argument', (n: number) => `{ a @skip(if: ${'['.repeat(n)}${']'.repeat(n)}) }`],
  ])('refuses %s that nest 65 deep, and judges 64 otherwise', (_, text) => {
    expect(codeOf(() => understand(GRAPH, text(64)))).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(codeOf(() => understand(GRAPH, text(65)))).toBe('OPERATION_TOO_COMPLEX');
  });

  it('stops counting tokens one above the limit', () => {
    return timed(() =>
      expect(codeOf(() => understand(GRAPH, '{ '.repeat(500_000)))).toBe('MAX_TOKENS_LIMIT'),
    );
  });

  it('bounds what a field is split into where implementations refine its type differently', () => {
    const graph = compose(`type Query { n: N } interface N { id: ID! rel: N }
      ${[0, 1, 2, 3].map((i) => `interface R${i} implements N { id: ID! rel: N } type T${i} implements N & R${i} { id: ID! rel: R${i} }`).join(' ')}`);
    const text = (depth: number) => `{ n ${'{ rel '.repeat(depth)}{ id ${'}'.repeat(depth + 1)} }`;
    const split = compose(`type Query { n: N } interface N { id: ID! rel: N }
      ${[0, 1, 2, 3].map((i) => `interface R${i} implements N { id: ID! rel: N } type T${i} implements N & R0 & R1 & R2 & R3 { id: ID! rel: R${i} }`).join(' ')}`);
    expect(understand(graph, text(15)).facts.measures.depth).toBe(17);
    expect(understand(split, text(5)).facts.measures.depth).toBe(7);
    return timed(() => expect(codeOf(() => understand(split, text(12)))).toBe('MAX_SELECTIONS_LIMIT'));
  });
});
