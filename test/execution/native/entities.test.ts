import { describe, expect, it } from 'vitest';
import {
  copyOf,
  type DataObject,
  entitiesAt,
  entityPathsAt,
  mergeInto,
} from '../../../src/execution/native/entities.ts';
import { representationOf } from '../../../src/execution/native/representation.ts';
import { rewriteData } from '../../../src/execution/native/rewrite-data.ts';

const parse = (text: string): DataObject => JSON.parse(text) as DataObject;

describe('merging', () => {
  it.each([
    ['objects deeply', { a: { x: 1 } }, { a: { y: 2 } }, { a: { x: 1, y: 2 } }],
    [
      'lists of one length item by item',
      { a: [{ x: 1 }, { x: 2 }] },
      { a: [{ y: 1 }, { y: 2 }] },
      {
        a: [
          { x: 1, y: 1 },
          { x: 2, y: 2 },
        ],
      },
    ],
    [
      'lists of another length by replacing',
      { a: [{ x: 1 }] },
      { a: [{ y: 1 }, { y: 2 }] },
      { a: [{ y: 1 }, { y: 2 }] },
    ],
    ['null over an object by replacing', { a: { x: 1 } }, { a: null }, { a: null }],
    ['a scalar over a list by replacing', { a: [1] }, { a: 1 }, { a: 1 }],
  ])('joins %s', (_what, target, source, merged) => {
    mergeInto(target as DataObject, source as DataObject);
    expect(target).toEqual(merged);
  });

  it('never reaches a prototype', () => {
    const target: DataObject = {};
    mergeInto(
      target,
      parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}'),
    );
    expect(Object.getPrototypeOf(target)).toBe(Object.prototype);
    expect(({} as DataObject)['polluted']).toBeUndefined();
    expect(Object.getPrototypeOf(copyOf(parse('{"a": {"__proto__": {"polluted": true}}}'))['a'])).toBe(
      Object.prototype,
    );
  });
});

describe('entities at a path', () => {
  const data = parse('{"a": [{"b": {"id": 1}}, null, {"b": null}, {"b": {"id": 2}}], "c": {"id": 3}}');

  it('are found in order, nulls passed over, each with its path', () => {
    expect(entitiesAt(data, ['a', '@', 'b'])).toEqual([{ id: 1 }, { id: 2 }]);
    expect(entityPathsAt(data, ['a', '@', 'b'])).toEqual([
      ['a', 0, 'b'],
      ['a', 3, 'b'],
    ]);
  });

  it.each([
    ['a list where the path says object', ['a', 'b']],
    ['an object where the path says list', ['c', '@']],
    ['an inherited name', ['constructor']],
    ['a missing name', ['nothing', '@']],
  ])('are none for %s', (_what, path) => {
    expect(entitiesAt(data, path)).toEqual([]);
    expect(entityPathsAt(data, path)).toEqual([]);
  });
});

describe('representations', () => {
  const requires = [
    {
      kind: 'fragment',
      types: ['User'],
      selections: [
        { kind: 'field', key: '__typename', selections: null },
        { kind: 'field', key: 'id', selections: null },
        { kind: 'field', key: 'org', selections: [{ kind: 'field', key: 'id', selections: null }] },
      ],
    },
  ] as const;

  it('hold just what is required', () => {
    const user = parse('{"__typename": "User", "id": "1", "secret": "x", "org": {"id": "o", "secret": "x"}}');
    expect(representationOf(user, requires)).toEqual({ __typename: 'User', id: '1', org: { id: 'o' } });
  });

  it.each([
    ['another type', '{"__typename": "Robot", "id": "1", "org": {"id": "o"}}'],
    ['no type', '{"id": "1", "org": {"id": "o"}}'],
    ['a type that is no text', '{"__typename": ["User"], "id": "1", "org": {"id": "o"}}'],
    ['a missing required field', '{"__typename": "User", "org": {"id": "o"}}'],
  ])('are none for an object of %s', (_what, text) => {
    expect(representationOf(parse(text), requires)).toBeNull();
  });
});

describe('rewrites', () => {
  it('set and rename at a path, through lists, and only on the types they are for', () => {
    const data = parse('{"a": [{"__typename": "T", "k": 1}, {"__typename": "U", "k": 2}, {"k": 3}]}');
    const path = [
      { kind: 'field', key: 'a' },
      { kind: 'type', types: ['T'] },
    ] as const;
    rewriteData([{ path, key: 'k', change: { kind: 'rename', to: 'renamed' } }], data);
    expect(data).toEqual({ a: [{ __typename: 'T', renamed: 1 }, { __typename: 'U', k: 2 }, { renamed: 3 }] });
    rewriteData([{ path: [], key: '__typename', change: { kind: 'set', value: 'Node' } }], data);
    expect(data['__typename']).toBe('Node');
  });
});
