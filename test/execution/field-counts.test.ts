import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FieldCounts } from '../../src/audit/event.ts';
import { compose, understand } from '../operation/graph-kit.ts';
import { shape, shaperOf, type Viewed } from './execution-kit.ts';

const GRAPH = compose(`
  type Query { item: Item items: [Item!] must: Item! any: [Any] text: String number: Int json: Json words: [String] }
  scalar Json
  type Item { id: ID name: String! secret: String @requiresScopes(scopes: [["s"]]) item: Item }
  type Locked @requiresScopes(scopes: [["l"]]) { id: ID item: Item }
  type Mine @tenantScoped(field: "owner") { owner: ID id: ID }
  union Any = Item | Locked | Mine
`);

/** What was counted of each coordinate, by its name: resolved, nulls, refused, errors. */
function counted(viewed: Viewed, data: unknown): Record<string, readonly number[]> {
  const counts = countsOf(viewed, data);
  const { coordinates } = understand(GRAPH, viewed.text).facts;
  const exceptions = new Map(
    counts.exceptions.flatMap((slot, at) =>
      at % 4 === 0 ? [[slot, counts.exceptions.slice(at + 1, at + 4)] as const] : [],
    ),
  );
  return Object.fromEntries(
    coordinates.map((coordinate, slot) => [
      coordinate,
      [counts.resolved[slot] ?? -1, ...(exceptions.get(slot) ?? [0, 0, 0])],
    ]),
  );
}

function countsOf(viewed: Viewed, data: unknown): FieldCounts {
  const { counts } = shape(GRAPH, viewed, data);
  if (counts === null) throw new Error('nothing was counted');
  return counts;
}

describe('the counts of an answer', () => {
  it('tell how many objects answered each coordinate, whatever its aliases and places', () => {
    const text = '{ a: item { id } b: item { id name item { id } } items { id } }';
    const data = {
      a: { id: '1' },
      b: { id: '2', name: 'n', item: { id: '3' } },
      items: [{ id: '4' }, { id: '5' }],
    };
    expect(counted({ text }, data)).toEqual({
      'Query.item': [2, 0, 0, 0],
      'Item.id': [5, 0, 0, 0],
      'Item.name': [1, 0, 0, 0],
      'Item.item': [1, 0, 0, 0],
      'Query.items': [1, 0, 0, 0],
    });
  });

  it('tell nulls, and values that do not fit at the field that holds them', () => {
    const text = '{ item { id name } number words text }';
    const data = { item: { id: null, name: 7 }, number: 'x', words: [1, null, 'w'], text: null };
    expect(counted({ text }, data)).toEqual({
      'Query.item': [1, 1, 0, 0],
      'Item.id': [1, 1, 0, 0],
      'Item.name': [1, 0, 0, 1],
      'Query.number': [1, 1, 0, 1],
      'Query.words': [1, 0, 0, 1],
      'Query.text': [1, 1, 0, 0],
    });
  });

  it('tell nothing of what no subgraph answered', () => {
    expect(counted({ text: '{ item { id name } text }' }, { item: { id: '1' } })).toEqual({
      'Query.item': [1, 1, 0, 0],
      'Item.id': [1, 0, 0, 0],
      'Item.name': [0, 0, 0, 1],
      'Query.text': [0, 0, 0, 0],
    });
  });

  it('tell on how many objects a field was refused, and at which field objects were', () => {
    const text = '{ items { secret id } any { ... on Item { secret } ... on Locked { id item { id } } } }';
    const data = {
      items: [{ id: '1' }, { id: '2' }],
      any: [{ __typename: 'Locked' }, { __typename: 'Item' }, { __typename: 'Locked' }, null],
    };
    expect(counted({ text, missing: ['s', 'l'] }, data)).toEqual({
      'Query.items': [1, 0, 0, 0],
      'Item.secret': [0, 0, 3, 0],
      'Item.id': [2, 0, 0, 0],
      'Query.any': [1, 0, 2, 0],
      'Locked.id': [0, 0, 0, 0],
      'Locked.item': [0, 0, 0, 0],
    });
  });

  it('tell objects of another tenant as errors of the field that holds them, and nothing of what is in them', () => {
    const text = '{ any { ... on Mine { id } } }';
    const owner = 'portcullis_tenant_Mine';
    const data = {
      any: [
        { __typename: 'Mine', id: '1' },
        { __typename: 'Mine', id: '2', [owner]: 'globex' },
      ],
    };
    expect(counted({ text, tenant: 'acme' }, data)).toEqual({
      'Query.any': [1, 0, 0, 2],
      'Mine.id': [0, 0, 0, 0],
    });
  });

  it('leave out what variables switch off', () => {
    const text = 'query ($b: Boolean!) { item { id @include(if: $b) name @skip(if: $b) } }';
    const data = { item: { id: '1', name: 'n' } };
    expect(counted({ text, variables: { b: true } }, data)).toMatchObject({
      'Item.id': [1, 0, 0, 0],
      'Item.name': [0, 0, 0, 0],
    });
  });

  it.each([
    ['{ text }', { text: '' }, 0],
    ['{ text }', { text: 'x' }, 1],
    ['{ text }', { text: 'x'.repeat(255) }, 8],
    ['{ text }', { text: 'x'.repeat(256) }, 9],
    ['{ number }', { number: 7 }, 4],
    ['{ words }', { words: ['xxxx', null, 'xxxx'] }, 4],
    ['{ json }', { json: { a: ['x'.repeat(500), [{ b: 'y'.repeat(500) }]] } }, 10],
  ])('tell how many bits the length of what came back has: %s', (text, data, bits) => {
    expect(countsOf({ text }, data).sizes).toEqual([bits]);
  });
});

describe('the counts of answers in a row to one operation', () => {
  const text = `query ($more: Boolean! = true) {
    items { id name @include(if: $more) secret } any { ... on Locked { id } ... on Item { name } }
  }`;
  /** Mostly of one length, so that answers differ in little. */
  const name = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom('', 'n', 'm') },
    fc.constantFrom('longer', null, 7, undefined),
  );
  const secret = fc.oneof({ weight: 12, arbitrary: fc.constant('') }, fc.constantFrom('s', null));
  const item = fc.record({ id: fc.constantFrom('', '1', '12', '123'), name, secret });
  const one = fc.constantFrom({ __typename: 'Item', name: '' }, { __typename: 'Locked', id: '' });
  const answer = fc.record({
    data: fc.record({ items: fc.array(item, { maxLength: 3 }), any: fc.array(one, { maxLength: 1 }) }),
    more: fc.boolean(),
    failed: fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, fc.subarray([0, 3])),
  });
  const rows = fc.array(answer, { minLength: 2, maxLength: 20 });

  it.each([[['s', 'l']], [['s']], [[]]])('are those of each of them alone, with the scopes %j', (scopes) => {
    fc.assert(
      fc.property(rows, (row) => {
        const inRow = shaperOf(GRAPH, { text, scopes });
        for (const { data, more, failed } of row) {
          const alone = shaperOf(GRAPH, { text, scopes });
          expect(inRow(data, { more }, failed).counts).toEqual(alone(data, { more }, failed).counts);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('are one object where they are told alike', () => {
    const inRow = shaperOf(GRAPH, { text: '{ item { id name } }' });
    const [first, second, third, fourth] = ['ab', 'cd', 'abcdefgh', 'ab'].map(
      (value) => inRow({ item: { id: '1', name: value } }).counts,
    );
    expect(second).toBe(first);
    expect(third).not.toEqual(second);
    expect(fourth).toEqual(first);
  });

  it('tell what was odd of the answer that it happened to alone', () => {
    const inRow = shaperOf(GRAPH, { text: '{ text }' });
    const exceptions = ['', null, '', null].map((value) => inRow({ text: value }).counts?.exceptions);
    expect(exceptions).toEqual([[], [0, 1, 0, 0], [], [0, 1, 0, 0]]);
  });

  it('tell a field by its condition, though nothing else differs', () => {
    const inRow = shaperOf(GRAPH, { text: 'query ($more: Boolean!) { number text @include(if: $more) }' });
    const resolved = [true, false, true].map(
      (more) => inRow({ number: 1, text: '' }, { more }).counts?.resolved,
    );
    expect(resolved).toEqual([
      [1, 1],
      [1, 0],
      [1, 1],
    ]);
  });
});
