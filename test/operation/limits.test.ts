import { getIntrospectionQuery } from 'graphql';
import { describe, expect, it } from 'vitest';
import { exceededByBatch, LIMITS, SELECTIONS_CEILING } from '../../src/operation/limits.ts';
import type { Measures, OperationLimits } from '../../src/operation/operation.ts';
import { codeOf, compose, DEFAULT_LIMITS, refusalOf, understand } from './graph-kit.ts';

const GRAPH = compose(`
  type Query { q: Query a: String b: String list: [Query!] item: Item }
  type Mutation { a: String }
  interface Item { id: ID! }
  type One implements Item { id: ID! one: String }
  type Two implements Item { id: ID! two: String }
`);

const measuresOf = (text: string, operationName: string | null = null) =>
  understand(GRAPH, text, { operationName, limits: { warnOnly: true } }).facts.measures;

const nested = (depth: number) => `${'{ q '.repeat(depth - 1)}{ a${' }'.repeat(depth)}`;
const aliased = (count: number) =>
  `{ q { ${Array.from({ length: count }, (_, i) => `x${i}: a`).join(' ')} b } }`;

/** Measure, a text that measures exactly the number given. */
const EXACT: readonly (readonly [keyof Measures, number, string])[] = [
  ['tokens', 3, '{ a }'],
  ['tokens', 3, '# a comment, is, no token\n , { , a\t} #'],
  ['tokens', 10, '{ a @skip(if: true) }'],
  ['depth', 1, '{ a }'],
  ['depth', 6, nested(6)],
  ['depth', 2, '{ ... { ... { ... { q { ... { a } } } } } }'],
  ['depth', 3, '{ a ...F } fragment F on Query { q { ...G } } fragment G on Query { q { a } }'],
  ['aliases', 0, '{ a q { b } }'],
  ['aliases', 5, aliased(5)],
  ['aliases', 4, '{ q { ...F } list { ...F } } fragment F on Query { x: a y: b }'],
  ['aliases', 1, '{ a: a }'],
  ['rootFields', 2, '{ a b }'],
  ['rootFields', 2, '{ a a }'],
  ['rootFields', 4, '{ ...F ... { ...F } } fragment F on Query { a b }'],
  ['directives', 0, '{ a }'],
  ['directives', 3, '{ a @skip(if: true) ... @include(if: true) { b @skip(if: false) } }'],
  ['directives', 2, '{ ...F ...F ...F } fragment F on Query { a @skip(if: true) b @skip(if: true) }'],
  ['selections', 3, '{ a a a }'],
  ['selections', 8, '{ ...F ...F } fragment F on Query { a b a }'],
  ['selections', 4, '{ ... { ... { q { a } } } }'],
  ['height', 1, '{ a a ... { a } }'],
  ['height', 3, '{ q { a } q { b } }'],
  ['height', 4, '{ q { a } x: q { a } }'],
  ['height', 4, '{ item { id ... on One { id one } ... on Two { id two } } }'],
  ['height', 1, '{ a b @skip(if: true) }'],
];

describe('the measures', () => {
  it.each(EXACT)('counts %s as %i', (name, expected, text) => {
    expect(measuresOf(text)[name]).toBe(expected);
  });

  it.each(EXACT.filter(([, value]) => value > 0))(
    'lets an operation pass whose %s is %i and the limit the same',
    (name, value, text) => {
      expect(understand(GRAPH, text, { limits: { [name]: value } }).facts.warnings).toEqual([]);
    },
  );

  it.each(EXACT.filter(([, value]) => value > 0))(
    'refuses an operation whose %s is %i and the limit one less',
    (name, value, text) => {
      const code = LIMITS.find((limit) => limit.name === name)?.code;
      expect(codeOf(() => understand(GRAPH, text, { limits: { [name]: value - 1 } }))).toBe(code);
    },
  );

  it.each(EXACT.filter(([name, value]) => value > 0 && name !== 'tokens'))(
    'only warns of %s at %i where config says so',
    (name, value, text) => {
      const code = LIMITS.find((limit) => limit.name === name)?.code;
      const { facts } = understand(GRAPH, text, { limits: { [name]: value - 1, warnOnly: true } });
      expect(facts.warnings).toEqual([code]);
    },
  );

  it('counts only what the selected operation uses, and tokens and directives of the whole document', () => {
    const text =
      'query A { a } query B { x: a y: b @skip(if: true) ...F } fragment F on Query { q { q { a } } }';
    expect(measuresOf(text, 'A')).toMatchObject({ depth: 1, aliases: 0, rootFields: 1, directives: 1 });
    expect(measuresOf(text, 'B')).toMatchObject({ depth: 3, aliases: 2, rootFields: 3, directives: 1 });
  });

  it.each([
    ['no name where there are two', '{ a } query B { b }', null],
    ['no name where there are two named ones', 'query A { a } query B { b }', null],
    ['a name that no operation has', 'query A { a }', 'B'],
    ['a name that differs in case', 'query A { a }', 'a'],
    ['an empty name', 'query A { a }', ''],
    ['the name of a fragment', 'query A { ...F } fragment F on Query { a }', 'F'],
    ['a name for the anonymous operation', '{ a }', 'A'],
    ['an inherited name', '{ a }', 'constructor'],
    ['no operation at all', 'fragment F on Query { a }', null],
    ['a schema definition', 'type A { a: Int }', null],
    ['the same name twice', 'query A { a } query A { b }', 'A'],
  ])('refuses %s', (_, text, operationName) => {
    expect(codeOf(() => understand(GRAPH, text, { operationName }))).toBe('OPERATION_RESOLUTION_FAILURE');
  });

  it('takes the operation that is named', () => {
    const text = 'query A { a } mutation B { a }';
    expect(understand(GRAPH, text, { operationName: 'B' }).facts).toMatchObject({
      name: 'B',
      type: 'mutation',
    });
  });

  it('lets the standard introspection query pass the defaults', () => {
    const text = getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true, oneOf: true });
    expect(understand(GRAPH, text).facts).toMatchObject({ warnings: [], introspects: true });
  });

  it.each(['{ __typename }', '{ q { __typename } }', '{ a @skip(if: true) }'])(
    'does not take %s for introspection',
    (text) => {
      expect(understand(GRAPH, text).facts.introspects).toBe(false);
    },
  );

  it.each([
    '{ __schema { description } }',
    '{ x: __type(name: "A") { name } }',
    '{ ... { ...F } } fragment F on Query { __schema { description } }',
    '{ q { __schema { description } } }',
  ])('takes %s for introspection', (text) => {
    expect(understand(GRAPH, text).facts.introspects).toBe(true);
  });
});

describe('hostile documents', () => {
  const bomb = (levels: number, last = 'a') => {
    const fragments = Array.from(
      { length: levels },
      (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`,
    );
    return `${fragments.join(' ')} fragment F${levels} on Query { ${last} }`;
  };
  const TIME_MAX_MS = 1_000;
  const timed = (work: () => void) => {
    const startedMs = performance.now();
    work();
    expect(performance.now() - startedMs).toBeLessThan(TIME_MAX_MS);
  };

  it.each([20, 64, 400])('refuses a bomb of %i nested fragments at once', (levels) => {
    timed(() => {
      const code = codeOf(() => understand(GRAPH, `{ q { ...F0 } } ${bomb(levels)}`));
      expect(code).toBe('MAX_SELECTIONS_LIMIT');
    });
  });

  it.each([20, 64, 400])(
    'refuses a bomb of %i levels below the hard ceiling though config only warns',
    (levels) => {
      timed(() => {
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
    timed(() => expect(codeOf(() => understand(GRAPH, text))).toBe('MAX_ALIASES_LIMIT'));
  });

  it('is not held up by a bomb in an operation that is not selected', () => {
    timed(() => {
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
    timed(() => expect(codeOf(() => understand(GRAPH, '{ '.repeat(500_000)))).toBe('MAX_TOKENS_LIMIT'));
  });

  it('bounds what a field is split into where implementations refine its type differently', () => {
    const graph = compose(`type Query { n: N } interface N { id: ID! rel: N }
      ${[0, 1, 2, 3].map((i) => `interface R${i} implements N { id: ID! rel: N } type T${i} implements N & R${i} { id: ID! rel: R${i} }`).join(' ')}`);
    const text = (depth: number) => `{ n ${'{ rel '.repeat(depth)}{ id ${'}'.repeat(depth + 1)} }`;
    const split = compose(`type Query { n: N } interface N { id: ID! rel: N }
      ${[0, 1, 2, 3].map((i) => `interface R${i} implements N { id: ID! rel: N } type T${i} implements N & R0 & R1 & R2 & R3 { id: ID! rel: R${i} }`).join(' ')}`);
    expect(understand(graph, text(15)).facts.measures.depth).toBe(17);
    expect(understand(split, text(5)).facts.measures.depth).toBe(7);
    timed(() => expect(codeOf(() => understand(split, text(12)))).toBe('MAX_SELECTIONS_LIMIT'));
  });
});

describe('the limits of a batch', () => {
  const one: Measures = {
    tokens: 3,
    directives: 1,
    depth: 5,
    height: 2,
    aliases: 1,
    rootFields: 1,
    selections: 2,
  };
  const limits: OperationLimits = {
    ...DEFAULT_LIMITS,
    tokens: 9,
    directives: 3,
    depth: 5,
    height: 6,
    aliases: 3,
    rootFields: 3,
    selections: 6,
  };

  it('hold the sum: three fit exactly, the fourth does not', () => {
    const used = new Map<string, number>();
    for (let i = 0; i < 3; i += 1) expect(exceededByBatch(one, limits, used)).toEqual([]);
    expect(exceededByBatch(one, limits, used)).toEqual([
      'MAX_TOKENS_LIMIT',
      'MAX_DIRECTIVES_LIMIT',
      'MAX_ALIASES_LIMIT',
      'MAX_ROOT_FIELDS_LIMIT',
      'MAX_SELECTIONS_LIMIT',
      'MAX_HEIGHT_LIMIT',
    ]);
  });

  it.each(LIMITS.filter(({ name }) => name !== 'depth').map(({ name, code }) => [name, code] as const))(
    'holds the sum of %s',
    (name, code) => {
      const tight = { ...DEFAULT_LIMITS, [name]: one[name] * 2 };
      const used = new Map<string, number>();
      expect(exceededByBatch(one, tight, used)).toEqual([]);
      expect(exceededByBatch(one, tight, used)).toEqual([]);
      expect(exceededByBatch(one, tight, used)).toEqual([code]);
    },
  );

  it('do not add up depth', () => {
    const used = new Map<string, number>();
    const deep = { ...DEFAULT_LIMITS, depth: 5 };
    for (let i = 0; i < 5; i += 1) expect(exceededByBatch(one, deep, used)).toEqual([]);
  });
});
