import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FoundEntities } from '../../../src/execution/native/found-entities.ts';
import { representationOf } from '../../../src/execution/native/representation.ts';
import { type EntityFetch, wantedEntities } from '../../../src/execution/native/wanted-entities.ts';
import type { DataRewrite, RequiredSelection } from '../../../src/operation/plan.ts';

const leaf = (key: string): RequiredSelection => ({ kind: 'field', key, selections: null });

function on(types: readonly string[], ...selections: readonly RequiredSelection[]): RequiredSelection {
  return { kind: 'fragment', types, selections };
}

function fetchOf(
  requires: readonly RequiredSelection[],
  inputRewrites: readonly DataRewrite[] = [],
): EntityFetch {
  return {
    kind: 'fetch',
    subgraph: 'stock',
    query: '',
    operationName: null,
    mutation: false,
    variables: [],
    paths: [['items', '@']],
    requires,
    inputRewrites,
    outputRewrites: [],
  };
}

const BY_SKU = fetchOf([on(['Item'], leaf('__typename'), leaf('sku'))]);
const BY_SKU_AND_SIZE = fetchOf([on(['Item'], leaf('__typename'), leaf('sku'), leaf('size'))]);

function printedFor(fetch: EntityFetch, ...items: readonly unknown[]): string[] {
  return wantedEntities(new FoundEntities({ items }), fetch).map(({ printed }) => printed);
}

describe('wantedEntities', () => {
  it('asks once for objects with one key and remembers all of them', () => {
    const items = [
      { __typename: 'Item', sku: 'a' },
      { __typename: 'Item', sku: 'b' },
      { __typename: 'Item', sku: 'a', note: 'else' },
    ];
    const groups = wantedEntities(new FoundEntities({ items }), BY_SKU);
    expect(groups.map(({ printed }) => printed)).toEqual([
      '{"__typename":"Item","sku":"a"}',
      '{"__typename":"Item","sku":"b"}',
    ]);
    expect(groups.map(({ targets }) => targets.map(({ index }) => index))).toEqual([[0, 2], [1]]);
  });

  it('does not take a number for the text that looks like it', () => {
    const items = [
      { __typename: 'Item', sku: 1 },
      { __typename: 'Item', sku: '1' },
      { __typename: 'Item', sku: true },
      { __typename: 'Item', sku: 'true' },
    ];
    expect(printedFor(BY_SKU, ...items)).toHaveLength(4);
  });

  it('keeps apart what differs in the second part of the key only, and joins it again', () => {
    const items = [
      { __typename: 'Item', sku: 'a', size: 1 },
      { __typename: 'Item', sku: 'a', size: 2 },
      { __typename: 'Item', sku: 'a', size: 2 },
      { __typename: 'Item', sku: 'a', size: 1 },
    ];
    const groups = wantedEntities(new FoundEntities({ items }), BY_SKU_AND_SIZE);
    expect(groups.map(({ targets }) => targets.map(({ index }) => index))).toEqual([
      [0, 3],
      [1, 2],
    ]);
  });

  it('keeps types with equal keys apart', () => {
    const either = fetchOf([
      on(['Item'], leaf('__typename'), leaf('sku')),
      on(['Kit'], leaf('__typename'), leaf('sku')),
    ]);
    expect(printedFor(either, { __typename: 'Item', sku: 'a' }, { __typename: 'Kit', sku: 'a' })).toEqual([
      '{"__typename":"Item","sku":"a"}',
      '{"__typename":"Kit","sku":"a"}',
    ]);
  });

  it('passes over objects without the key, of another type, or of none', () => {
    const items = [{ __typename: 'Item' }, { __typename: 'Other', sku: 'a' }, { sku: 'a' }, null, 'a', 3];
    expect(printedFor(BY_SKU, ...items)).toEqual([]);
  });

  it('does not take what every object inherits for a key', () => {
    const fetch = fetchOf([on(['Item'], leaf('__typename'), leaf('constructor'))]);
    expect(printedFor(fetch, { __typename: 'Item' })).toEqual([]);
    expect(printedFor(fetch, { __typename: 'Item', constructor: 'x' })).toEqual([
      '{"__typename":"Item","constructor":"x"}',
    ]);
  });

  it('escapes what a subgraph put into a key', () => {
    const hostile = '"}],"x":[{"\u2028\\';
    const [printed = ''] = printedFor(BY_SKU, { __typename: 'Item', sku: hostile });
    expect(JSON.parse(printed)).toEqual({ __typename: 'Item', sku: hostile });
  });

  it('adds up the parts of a key that apply to one type', () => {
    const fetch = fetchOf([
      on(['Item'], leaf('__typename'), leaf('sku')),
      on(['Item', 'Kit'], leaf('__typename'), leaf('size')),
    ]);
    expect(printedFor(fetch, { __typename: 'Item', sku: 'a', size: 2 })).toEqual([
      '{"__typename":"Item","sku":"a","size":2}',
    ]);
  });

  it('applies the rewrites of the plan before it compares', () => {
    const rewrite: DataRewrite = { path: [], key: '__typename', change: { kind: 'set', value: 'Media' } };
    const fetch = fetchOf([on(['Book', 'Film'], leaf('__typename'), leaf('id'))], [rewrite]);
    const items = [
      { __typename: 'Book', id: '1' },
      { __typename: 'Film', id: '1' },
    ];
    const groups = wantedEntities(new FoundEntities({ items }), fetch);
    expect(groups).toMatchObject([{ printed: '{"__typename":"Media","id":"1"}', sentType: 'Media' }]);
    expect(groups[0]?.targets).toHaveLength(2);
  });

  it('asks for exactly the distinct representations, whatever the values', () => {
    const value = fc.oneof(
      fc.constantFrom('a', '1', 1, 0, -0, true, null, 1e300, '__proto__'),
      fc.string(),
      fc.constant({ nested: 1 }),
      fc.constant(undefined),
    );
    const item = fc.record({ __typename: fc.constantFrom('Item', 'Kit', 3), sku: value, size: value });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 12 }), (items) => {
        const expected = items.flatMap((entity) => {
          const representation = representationOf(entity, BY_SKU_AND_SIZE.requires);
          return representation === null ? [] : [JSON.stringify(representation)];
        });
        const groups = wantedEntities(new FoundEntities({ items }), BY_SKU_AND_SIZE);
        expect(groups.map(({ printed }) => printed).sort()).toEqual([...new Set(expected)].sort());
        expect(groups.flatMap(({ targets }) => targets)).toHaveLength(expected.length);
      }),
      { numRuns: 500 },
    );
  });
});
