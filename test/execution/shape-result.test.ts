import { describe, expect, it } from 'vitest';
import { TOLD_MAX } from '../../src/execution/shape-result.ts';
import { compose } from '../operation/graph-kit.ts';
import { shape } from './execution-kit.ts';

const GRAPH = compose(`
  type Query {
    int: Int float: Float text: String flag: Boolean id: ID role: Role json: Json
    must: Int! ints: [Int] mustInts: [Int!] grid: [[Int!]!] item: Item items: [Item!] mustItem: Item! any: [Any] one: Any
    constructor: String hasOwnProperty: Int toString: Item
  }
  enum Role { ADMIN HIDDEN @inaccessible }
  scalar Json
  type Item { id: ID name: String! secret: String @requiresScopes(scopes: [["s"]]) mustSecret: String! @requiresScopes(scopes: [["s"]]) item: Item }
  type Locked @requiresScopes(scopes: [["l"]]) { id: ID }
  type Ghost @inaccessible { id: ID }
  union Any = Item | Locked | Ghost
`);

describe('values of subgraphs', () => {
  it.each([
    ['int', '2147483647'],
    ['int', '-2147483648'],
    ['float', '1e308'],
    ['float', '-0'],
    ['text', '""'],
    ['flag', 'false'],
    ['id', '"x"'],
    ['id', '7'],
    ['role', '"ADMIN"'],
    ['json', '{"any":[1,{"x":null}]}'],
    ['ints', '[1,null]'],
    ['grid', '[[1],[]]'],
  ])('pass where they fit: %s is %s', (key, json) => {
    const { data, misfits } = shape(GRAPH, { text: `{ ${key} }` }, `{"${key}":${json}}`);
    expect(data?.[key]).toEqual(JSON.parse(json));
    expect(misfits).toEqual([]);
  });

  it.each([
    ['int', '2147483648'],
    ['int', '-2147483649'],
    ['int', '1.5'],
    ['int', '1e400'],
    ['int', '"1"'],
    ['int', 'true'],
    ['int', '[1]'],
    ['int', '{}'],
    ['float', '1e400'],
    ['float', '"NaN"'],
    ['float', '"1"'],
    ['text', '1'],
    ['text', '{"length":1}'],
    ['text', '["a"]'],
    ['flag', '1'],
    ['flag', '"true"'],
    ['id', '1.5'],
    ['id', 'true'],
    ['id', '{}'],
    ['role', '"HIDDEN"'],
    ['role', '"constructor"'],
    ['role', '0'],
    ['role', '["ADMIN"]'],
    ['ints', '1'],
    ['ints', '{"0":1,"length":1}'],
    ['ints', '"12"'],
    ['item { id }', '"x"'],
    ['item { id }', '[]'],
    ['item { id }', '[{"id":"x","name":"n"}]'],
    ['item { id }', '1'],
    ['items { id }', '{"id":"x"}'],
    ['grid', '[1]'],
  ])('are null, and told once, where they do not fit: %s is %s', (selection, json) => {
    const key = selection.split(' ')[0] as string;
    const { data, misfits } = shape(GRAPH, { text: `{ ${selection} }` }, `{"${key}":${json}}`);
    if (key !== 'grid') expect(data).toEqual({ [key]: null });
    expect(misfits).toHaveLength(1);
    expect(misfits[0]?.[0]).toBe(key);
  });

  it.each([
    ['a missing value', '{ must int }', '{"int":1}', null, [['must']]],
    ['null', '{ must int }', '{"must":null,"int":1}', null, [['must']]],
    [
      'an item',
      '{ mustInts int }',
      '{"mustInts":[1,null],"int":1}',
      { mustInts: null, int: 1 },
      [['mustInts', 1]],
    ],
    ['an item of an inner list', '{ grid }', '{"grid":[[1],[null]]}', { grid: null }, [['grid', 1, 0]]],
    ['a wrong item', '{ ints }', '{"ints":[1,"x",3]}', { ints: [1, null, 3] }, [['ints', 1]]],
    [
      'a field of an object',
      '{ item { name } int }',
      '{"item":{},"int":1}',
      { item: null, int: 1 },
      [['item', 'name']],
    ],
    [
      'a field of an object in a list of what may not be null',
      '{ items { name } int }',
      '{"items":[{"name":"a"},{}],"int":1}',
      { items: null, int: 1 },
      [['items', 1, 'name']],
    ],
    [
      'a field of an object that may not be null',
      '{ mustItem { name } }',
      '{"mustItem":{"name":1}}',
      null,
      [['mustItem', 'name']],
    ],
  ])('that may not be null take their parent with them: %s', (_, text, json, data, misfits) => {
    const shaped = shape(GRAPH, { text }, json);
    expect(shaped.data).toEqual(data);
    expect(shaped.misfits).toEqual(misfits);
  });

  it.each([
    ['no type', '{"one":{"id":"x","name":"n"}}'],
    ['an unknown type', '{"one":{"__typename":"Nothing","name":"n"}}'],
    ['a type of another place', '{"one":{"__typename":"Query","name":"n"}}'],
    ['a type that clients do not see', '{"one":{"__typename":"Ghost","id":"x"}}'],
    ['an inherited type name', '{"one":{"__typename":"constructor","name":"n"}}'],
    ['the interface itself', '{"one":{"__typename":"Any","name":"n"}}'],
    ['a type that is no text', '{"one":{"__typename":["Item"],"name":"n"}}'],
    ['null for its type', '{"one":{"__typename":null,"name":"n"}}'],
  ])('are null for an object of a union with %s', (_, json) => {
    const { data, misfits } = shape(GRAPH, { text: '{ one { ... on Item { name } } }' }, json);
    expect(data).toEqual({ one: null });
    expect(misfits).toEqual([['one']]);
  });

  it('keep only what was selected, in its order, under its keys', () => {
    const text = '{ b: text a: text item { x: id } }';
    const json = '{"evil":1,"a":"1","item":{"id":"no","name":"no","x":"yes","__typename":"Evil"},"b":"2"}';
    const { data } = shape(GRAPH, { text }, json);
    expect(JSON.stringify(data)).toBe('{"b":"2","a":"1","item":{"x":"yes"}}');
  });

  it('are read as own properties only', () => {
    const text = '{ constructor hasOwnProperty toString { id } text }';
    const { data, misfits } = shape(GRAPH, { text }, '{"__proto__":{"text":"inherited"}}');
    expect(data).toEqual({ constructor: null, hasOwnProperty: null, toString: null, text: null });
    expect(misfits).toEqual([]);
    const own = shape(GRAPH, { text }, '{"constructor":"c","hasOwnProperty":1,"toString":{"id":"i"}}');
    expect(own.data).toEqual({ constructor: 'c', hasOwnProperty: 1, toString: { id: 'i' }, text: null });
  });

  it('tell the type that the schema says, whatever a subgraph says', () => {
    const { data } = shape(
      GRAPH,
      { text: '{ __typename item { __typename } }' },
      '{"__typename":"Evil","item":{"__typename":"Evil"}}',
    );
    expect(data).toEqual({ __typename: 'Query', item: { __typename: 'Item' } });
  });

  it('leave out what a variable switches off, though a subgraph answers it', () => {
    const viewed = { text: 'query($a: Boolean!) { text int @include(if: $a) }', variables: { a: false } };
    expect(shape(GRAPH, viewed, '{"text":"t","int":1}').data).toEqual({ text: 't' });
  });

  it('are told up to a bound, however many do not fit', () => {
    const ints = (count: number) => ({ ints: Array.from({ length: count }, () => 'x') });
    expect(shape(GRAPH, { text: '{ ints }' }, ints(TOLD_MAX)).misfits).toHaveLength(TOLD_MAX);
    expect(shape(GRAPH, { text: '{ ints }' }, ints(TOLD_MAX + 1)).misfits).toHaveLength(TOLD_MAX);
  });

  it('may nest as deep as the operation, and no further is read', () => {
    const levels = 15;
    const text = `{ ${'item { '.repeat(levels)} name ${'} '.repeat(levels)} }`;
    const json = `${'{"item":'.repeat(5_000)}null${'}'.repeat(5_000)}`;
    expect(shape(GRAPH, { text }, json).data).toEqual(
      shape(GRAPH, { text }, `${'{"item":'.repeat(levels)}null${'}'.repeat(levels)}`).data,
    );
  });
});

describe('refused parts', () => {
  const missing = ['s', 'l'];

  it.each([
    [
      'a field',
      '{ item { id secret } }',
      '{"item":{"id":"i","secret":"leak"}}',
      { item: { id: 'i', secret: null } },
      [],
    ],
    [
      'a field that may not be null',
      '{ item { id mustSecret } int }',
      '{"item":{"id":"i","mustSecret":"leak"},"int":1}',
      { item: null, int: 1 },
      [],
    ],
    [
      'a field of each item of a list',
      '{ items { mustSecret } }',
      '{"items":[{"mustSecret":"leak"}]}',
      { items: null },
      [],
    ],
    [
      'an object of a refused type',
      '{ any { ... on Item { id } ... on Locked { id } } }',
      '{"any":[{"__typename":"Locked","id":"leak"},{"__typename":"Item","id":"i"}]}',
      { any: [null, { id: 'i' }] },
      [['any', 0]],
    ],
    [
      'objects of a refused type with nothing selected',
      '{ any { ... on Item { id } } }',
      '{"any":[{"__typename":"Locked","id":"leak"}]}',
      { any: [{}] },
      [],
    ],
    [
      'an alias',
      '{ item { x: secret id } }',
      '{"item":{"x":"leak","secret":"leak","id":"i"}}',
      { item: { x: null, id: 'i' } },
      [],
    ],
  ])('are null though a subgraph answers them: %s', (_, text, json, data, refused) => {
    const shaped = shape(GRAPH, { text, missing }, json);
    expect(shaped.data).toEqual(data);
    expect(JSON.stringify(shaped.data)).not.toContain('leak');
    expect(shaped.refused.map(({ path }) => path)).toEqual(refused);
    expect(shaped.misfits).toEqual([]);
  });

  it('are told up to a bound', () => {
    const any = Array.from({ length: TOLD_MAX + 5 }, () => ({ __typename: 'Locked', id: 'leak' }));
    const shaped = shape(
      GRAPH,
      { text: '{ any { ... on Locked { id } ... on Item { id } } }', missing },
      { any },
    );
    expect(shaped.refused).toHaveLength(TOLD_MAX);
    expect(shaped.data?.['any']).toEqual(any.map(() => null));
  });

  it('hide the name of a type as well', () => {
    const root = compose('type Query @requiresScopes(scopes: [["q"]]) { a: Int b: Int }');
    const viewed = {
      text: 'query($x: Boolean!, $y: Boolean!) { __typename @include(if: $x) a @include(if: $y) }',
      missing: ['q'],
      variables: { x: true, y: false },
    };
    expect(shape(root, viewed, '{"__typename":"Query"}').data).not.toMatchObject({ __typename: 'Query' });
  });
});
