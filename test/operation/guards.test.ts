import { describe, expect, it } from 'vitest';
import { compose, maskOf, understand } from './graph-kit.ts';
import { LIBRARY, SCOPES } from './library-graph.ts';
import { without } from './without.ts';

describe('protected types and fields', () => {
  it.each([
    ['a field', '{ root count }', ['root'], '{ count }', ['Query.root root']],
    [
      'each alias of a field',
      '{ x: root y: root count }',
      ['root'],
      '{ count }',
      ['Query.root x', 'Query.root y'],
    ],
    [
      'a field below fragments',
      '{ ...F count } fragment F on Query { ... { root } }',
      ['root'],
      '{ count }',
      ['Query.root root'],
    ],
    ['a field whose leaf type is refused', '{ token count }', ['token'], '{ count }', ['Query.token token']],
    [
      'a field whose object type is refused',
      '{ book { __typename } count }',
      ['book'],
      '{ count }',
      ['Query.book book'],
    ],
    [
      'a field of one type',
      '{ film { id budget } }',
      ['budget'],
      '{ film { id } }',
      ['Film.budget film.budget'],
    ],
    [
      'what leaves an object empty',
      '{ film { budget } }',
      ['budget'],
      '{ film { __typename } }',
      ['Film.budget film.budget'],
    ],
    ['everything', '{ root book { id } }', ['root', 'book'], null, ['Query.root root', 'Query.book book']],
    [
      'a field of one type in a list',
      '{ nodes { id ... on Film { budget } } }',
      ['budget'],
      '{ nodes { __typename id } }',
      ['Film.budget nodes.@.budget'],
    ],
    [
      'a field in a list of lists',
      '{ grid { ... on Person { salary } } }',
      ['salary'],
      '{ grid { __typename } }',
      ['Person.salary grid.@.@.salary'],
    ],
    [
      'an interface field on the type that protects it',
      '{ node { name } }',
      ['personName'],
      '{ node { __typename ... on Book { name } ... on Film { name } ... on Secret { name } } }',
      ['Person.name node.name ?'],
    ],
    [
      'a refused type of an interface',
      '{ work { id } }',
      ['book'],
      '{ work { __typename ... on Film { id } } }',
      ['Book work ?'],
    ],
    [
      'a refused type of a union',
      '{ any { ... on Secret { id } ... on Film { id } } }',
      ['secret'],
      '{ any { __typename ... on Film { id } } }',
      ['Secret any.@ ?'],
    ],
    [
      'a refused type asked for its name only',
      '{ any { ... on Secret { __typename } } }',
      ['secret'],
      '{ any { __typename } }',
      ['Secret any.@ ?'],
    ],
    [
      'a refused type of an interface of an interface',
      '{ node { ... on Work { maker { id } } } }',
      ['book'],
      '{ node { __typename ... on Work { ... on Film { maker { __typename ... on Film { id } ... on Person { id } ... on Secret { id } } } } } }',
      ['Book node ?', 'Book node.maker ?'],
    ],
    [
      'a refined return type',
      '{ work { rel { id } } }',
      ['secret'],
      '{ work { __typename ... on Book { rel { id } } ... on Film { rel { __typename ... on Book { id } ... on Film { id } ... on Person { id } } } } }',
      ['Secret work.rel ?'],
    ],
  ])('lose %s', (_, text, missing, emitted, removed) => {
    expect(without(text, missing)).toEqual({ text: emitted, removed });
  });

  it('keep a refused type where nothing is selected on it', () => {
    expect(without('{ any { ... on Film { id } } }', ['secret', 'book']).removed).toEqual([]);
  });

  it('lose a field that only refused types could answer, told for each of them', () => {
    const graph = compose(`type Query { u: [U] plain: Int } union U = A | B
      type A @requiresScopes(scopes: [["a"]]) { id: ID } type B @requiresScopes(scopes: [["b"]]) { id: ID }`);
    const understood = understand(graph, '{ u { ... on A { id } ... on B { id } } plain }');
    const { text, removals } = understood.variant(maskOf(understood, {}, () => true));
    expect(text).toBe('{\n  plain\n}');
    expect(removals).toMatchObject([
      { coordinate: 'A', path: ['u'], dynamic: false },
      { coordinate: 'B', path: ['u'], dynamic: false },
    ]);
  });

  it('lose the whole operation where its root type is refused', () => {
    const graph = compose(`type Query @requiresScopes(scopes: [["q"]]) { a: Int self: Query }
      type Mutation @requiresScopes(scopes: [["m"]]) { a: Int self: Query }`);
    for (const text of [
      '{ a }',
      '{ __typename }',
      '{ __schema { description } }',
      'mutation { a }',
      '{ x: __typename ... { self { a } } }',
    ]) {
      const understood = understand(graph, text);
      expect(understood.variant(maskOf(understood, {}, () => true)).text).toBeNull();
    }
    const back = understand(graph, 'mutation { a self { a } }');
    expect(back.variant(maskOf(back, {}, (scopes) => scopes.includes('q'))).text).toBe('mutation {\n  a\n}');
  });

  it('keep the keys that the gateway needs, which the client may not read', () => {
    const graph = compose(
      `type Query { item: Item } type Item @key(fields: "id") { id: ID! @requiresScopes(scopes: [["id"]]) }`,
      `type Item @key(fields: "id") { id: ID! name: String }`,
    );
    const understood = understand(graph, '{ item { id name } }');
    expect(understood.variant(maskOf(understood, {}, () => true)).text?.replaceAll(/\s+/gu, ' ')).toBe(
      '{ item { name } }',
    );
  });

  it('drop variables that only removed parts used', () => {
    const text = 'query($r: Role, $a: Boolean!) { node(role: $r) { id } count @include(if: $a) }';
    expect(without(text, ['role'], { r: 'USER', a: true }).text).toBe(
      'query ($a: Boolean!) { count @include(if: $a) }',
    );
  });

  it('name each caller set apart: a guard that is not in the mask removes nothing', () => {
    const understood = understand(LIBRARY, '{ root token film { budget } }');
    expect(understood.variant('').removals).toEqual([]);
    expect(understood.variant('0').text).not.toEqual(understood.variant('1').text);
    expect(understood.variant('0').id).not.toBe(understood.variant('1').id);
  });

  it('answers an operation that literals switch off with an empty selection, not with a refusal', () => {
    expect(without('{ root @skip(if: true) }', SCOPES)).toEqual({ text: '{ __typename }', removed: [] });
  });
});

describe('selections that are switched', () => {
  const table: readonly (readonly [string, Readonly<Record<string, unknown>>, boolean])[] = [
    ['{ count root @include(if: true) }', {}, true],
    ['{ count root @include(if: false) }', {}, false],
    ['{ count root @skip(if: true) }', {}, false],
    ['{ count root @skip(if: false) }', {}, true],
    ['query($a: Boolean!) { count root @include(if: $a) }', { a: true }, true],
    ['query($a: Boolean!) { count root @include(if: $a) }', { a: false }, false],
    ['query($a: Boolean!) { count root @skip(if: $a) }', { a: true }, false],
    ['query($a: Boolean!) { count root @skip(if: $a) }', { a: false }, true],
    ['query($a: Boolean = true) { count root @include(if: $a) }', {}, true],
    ['query($a: Boolean = false) { count root @include(if: $a) }', {}, false],
    ['query($a: Boolean = false) { count root @skip(if: $a) }', {}, true],
    ['query($a: Boolean! = true) { count root @skip(if: $a) }', { a: false }, true],
    ['query($a: Boolean!) { count root @skip(if: $a) @include(if: $a) }', { a: true }, false],
    ['query($a: Boolean!) { count root @skip(if: $a) @include(if: $a) }', { a: false }, false],
    ['query($a: Boolean!) { count root @include(if: $a) @skip(if: false) }', { a: true }, true],
    [
      'query($a: Boolean!, $b: Boolean!) { count root @skip(if: $a) @include(if: $b) }',
      { a: false, b: true },
      true,
    ],
    [
      'query($a: Boolean!, $b: Boolean!) { count root @skip(if: $a) @include(if: $b) }',
      { a: true, b: true },
      false,
    ],
    [
      'query($a: Boolean!, $b: Boolean!) { count ... @skip(if: $a) { root @include(if: $b) } }',
      { a: false, b: false },
      false,
    ],
    [
      'query($a: Boolean!, $b: Boolean!) { count ... @skip(if: $a) { root @include(if: $b) } }',
      { a: false, b: true },
      true,
    ],
    ['query($a: Boolean!) { count ... @skip(if: $a) { root @include(if: $a) } }', { a: true }, false],
    ['query($a: Boolean!) { count ...F @include(if: $a) } fragment F on Query { root }', { a: true }, true],
    ['query($a: Boolean!) { count ...F @include(if: $a) } fragment F on Query { root }', { a: false }, false],
    [
      'query($a: Boolean!) { count ...F @include(if: $a) ...F @skip(if: $a) } fragment F on Query { root }',
      { a: false },
      true,
    ],
    [
      'query($a: Boolean!, $b: Boolean!) { count root @include(if: $a) ... { root @include(if: $b) } }',
      { a: false, b: true },
      true,
    ],
    [
      'query($a: Boolean!, $b: Boolean!) { count root @include(if: $a) ... { root @include(if: $b) } }',
      { a: false, b: false },
      false,
    ],
    ['query($a: Boolean!) { count self @skip(if: $a) { root } }', { a: true }, false],
    ['query($a: Boolean!) { count self @skip(if: $a) { root } }', { a: false }, true],
  ];

  it.each(table)('are judged as they run: %s with %j', (text, variables, isOn) => {
    const { removed } = without(text, ['root'], variables);
    expect(removed.length > 0).toBe(isOn);
  });
});
