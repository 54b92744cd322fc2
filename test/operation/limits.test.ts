import { getIntrospectionQuery } from 'graphql';
import { describe, expect, it } from 'vitest';
import { exceededByBatch, LIMITS } from '../../src/operation/limits.ts';
import type { Measures, OperationLimits } from '../../src/operation/operation.ts';
import { codeOf, compose, DEFAULT_LIMITS, understand } from './graph-kit.ts';

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
