import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateCost } from '../../../src/operation/cost/evaluate-cost.ts';
import { COST_MAX } from '../../../src/operation/cost/formula.ts';
import { composeCosts, formulaOf, IMPORTS } from './cost-kit.ts';

const graph = composeCosts(
  [
    `type Query { list(first: Int, last: Int, filter: F): [T] @listSize(slicingArguments: ["first", "last"], requireOneSlicingArgument: false) }
  type T @cost(weight: 1000000) { id: ID list(first: Int): [[T]] @listSize(slicingArguments: ["first"]) }
  input F { n: Int @cost(weight: 2147483647) f: [F!] }`,
  ],
  IMPORTS,
  [
    ['first: Int', 'first: Float'],
    ['last: Int', 'last: Float'],
  ],
);
const formula = formulaOf(
  graph,
  `query($a: Float, $b: Float, $c: Boolean!, $f: F) {
    list(first: $a, last: $b, filter: $f) { id list(first: $b) { id list(first: $a) @include(if: $c) { id } } }
  }`,
);
const size = fc.double({ min: 0, noDefaultInfinity: true, noNaN: true });

describe('the estimate', () => {
  it('is a whole number from 0 to the largest, whatever the variables hold', () => {
    fc.assert(
      fc.property(
        fc.record({ a: fc.anything(), b: fc.anything(), c: fc.boolean(), f: fc.anything() }),
        (given) => {
          const { estimated, base } = evaluateCost(formula, given);
          for (const cost of [estimated, base]) {
            expect(Number.isSafeInteger(cost) && cost >= 0 && cost <= COST_MAX).toBe(true);
          }
        },
      ),
    );
  });

  it('never falls as a size grows', () => {
    fc.assert(
      fc.property(size, size, size, fc.boolean(), (a, more, b, c) => {
        const least = evaluateCost(formula, { a: Math.min(a, more), b, c }).estimated;
        expect(evaluateCost(formula, { a: Math.max(a, more), b, c }).estimated).toBeGreaterThanOrEqual(least);
      }),
    );
  });
});
