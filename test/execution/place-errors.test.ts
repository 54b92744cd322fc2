import { describe, expect, it } from 'vitest';
import type { ExecutionError } from '../../src/execution/executor.ts';
import { placeErrors } from '../../src/execution/place-errors.ts';

const error = (path: ExecutionError['path']): ExecutionError => ({
  ...{ message: '', subgraph: null, extensions: {} },
  path,
});
const ITEMS = [{ path: ['items', 0] }, { path: ['items', 1] }];

describe('placeErrors', () => {
  it.each<[string, ExecutionError['path'], number, ExecutionError['path']]>([
    ['below an object with it, by its path from there', ['items', 1, 'a', 0], 1, ['a', 0]],
    ['of an object with it', ['items', 1], 1, []],
    ['of all objects with the first', ['items'], 0, null],
    ['of any items of a list with the first', ['items', '@', 'a'], 0, null],
    ['without a path with the first', null, 0, null],
  ])('tells an error %s', (_what, path, at, from) => {
    const { own, elsewhere } = placeErrors([error(path)], ITEMS);
    expect(elsewhere).toEqual([]);
    expect(own.map((each) => each.map((one) => one.path))).toEqual(
      ITEMS.map((_, index) => (index === at ? [from] : [])),
    );
  });

  it.each<[string, ExecutionError['path'], typeof ITEMS]>([
    ['of an object that is not there', ['items', 2, 'a'], ITEMS],
    ['of something else', ['other'], ITEMS],
    ['without a path where there is no object', null, []],
  ])('leaves an error %s to others', (_what, path, objects) => {
    const one = error(path);
    const { own, elsewhere } = placeErrors([one], objects);
    expect(own.flat()).toEqual([]);
    expect(elsewhere).toEqual([one]);
  });

  it('looks at each object a few times, however many errors there are', () => {
    const many = Array.from({ length: 1_000 }, (_, index) => index);
    let looks = 0;
    const objects = many.map((index) => ({
      get path() {
        looks += 1;
        return ['items', index];
      },
    }));
    const { own } = placeErrors(
      many.map((index) => error(['items', index, 'a'])),
      objects,
    );
    expect(own.every((each) => each.length === 1)).toBe(true);
    expect(looks).toBeLessThan(10 * many.length);
  });
});
