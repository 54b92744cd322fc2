import { describe, expect, it } from 'vitest';
import { type DataObject, mergeInto } from '../../../src/execution/native/entities.ts';
import { FoundEntities } from '../../../src/execution/native/found-entities.ts';

describe('objects found for the fetches of a plan', () => {
  it('are looked for once until something is merged', () => {
    const data: DataObject = { items: [{ id: 1 }] };
    const found = new FoundEntities(data);
    expect(found.at(['items', '@'])).toBe(found.at(['items', '@']));
    found.forget();
    mergeInto(data, { items: [{ id: 1 }, { id: 2 }] });
    expect(found.at(['items', '@'])).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('are not those of another path', () => {
    const found = new FoundEntities({ a: { b: { id: 1 } }, ab: { id: 2 }, b: { id: 3 } });
    expect([['a', 'b'], ['ab'], ['b'], ['a', 'b', '@'], ['a', '@']].map((path) => found.at(path))).toEqual([
      [{ id: 1 }],
      [{ id: 2 }],
      [{ id: 3 }],
      [],
      [],
    ]);
  });

  it('leave out what turns out to be withheld', () => {
    const data: DataObject = { items: [{ id: 1 }, { id: 2 }] };
    const found = new FoundEntities(data, ({ owner }) => owner === 'other');
    expect(found.at(['items', '@'])).toHaveLength(2);
    found.forget();
    mergeInto(data, { items: [{ owner: 'own' }, { owner: 'other' }] });
    expect(found.at(['items', '@'])).toEqual([{ id: 1, owner: 'own' }]);
  });

  it('are never what all objects inherit', () => {
    const found = new FoundEntities(JSON.parse('{"items":[{"id":1},{"__proto__":{"id":2}}]}') as DataObject);
    expect(found.at(['items', '@', '__proto__'])).toEqual([{ id: 2 }]);
    expect(found.at(['items', '@', 'constructor'])).toEqual([]);
  });
});
