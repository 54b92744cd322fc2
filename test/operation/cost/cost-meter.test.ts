import { describe, expect, it } from 'vitest';
import { type CostLimits, meterCost } from '../../../src/operation/cost/cost-meter.ts';
import { codeOf, refusalOf } from '../graph-kit.ts';
import { composeCosts, formulaOf } from './cost-kit.ts';

const GRAPH = composeCosts([
  'type Query { list(first: Int): [T] @listSize(slicingArguments: ["first"]) } type T { id: ID }',
]);
const FORMULA = formulaOf(GRAPH, 'query($n: Int) { list(first: $n) { id } }');
const limits = (mode: CostLimits['mode']): CostLimits => ({ mode, max: 5, perSubgraph: new Map() });
const metered = (n: number | null, mode: CostLimits['mode'] = 'enforce') =>
  meterCost(FORMULA, { n }, limits(mode));

describe('a cost meter', () => {
  it('permits what costs the maximum and refuses one more', () => {
    expect(() => metered(5)?.enforce()).not.toThrow();
    const refusal = refusalOf(() => metered(6)?.enforce());
    expect(refusal.code).toBe('COST_ESTIMATED_TOO_EXPENSIVE');
    expect(refusal.extensions).toEqual({ cost: { estimated: 6, max: 5 } });
  });

  it('holds a batch to the limits as a whole, in all and in each subgraph', () => {
    const used = new Map<string, number>();
    expect(() => metered(3)?.enforce(used)).not.toThrow();
    expect(() => metered(2)?.enforce(used)).not.toThrow();
    const refusal = refusalOf(() => metered(1)?.enforce(used));
    expect(refusal.code).toBe('COST_ESTIMATED_TOO_EXPENSIVE');
    expect(refusal.extensions).toEqual({ cost: { estimated: 6, max: 5 } });

    const formula = { ...FORMULA, subgraphs: [['a', FORMULA.total]] as const };
    const perSubgraph: CostLimits = { mode: 'enforce', max: 100, perSubgraph: new Map([['a', 5]]) };
    const inSubgraph = new Map<string, number>();
    const enforce = (n: number) => meterCost(formula, { n }, perSubgraph)?.enforce(inSubgraph);
    expect(() => enforce(5)).not.toThrow();
    expect(codeOf(() => enforce(1))).toBe('SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE');
  });

  it.each([
    ['no slicing argument', null],
    ['a negative one', -1],
  ])('refuses %s', (_, n) => {
    expect(codeOf(() => metered(n)?.enforce())).toBe('COST_QUERY_PARSE_FAILURE');
  });

  it.each([6, null, -1])('refuses nothing where costs are measured only: %s', (n) => {
    expect(() => metered(n, 'measure')?.enforce()).not.toThrow();
  });

  it('is none where costs are not counted', () => {
    expect(metered(1, 'off')).toBeNull();
    expect(meterCost(null, {}, limits('enforce'))).toBeNull();
  });

  it('reports the actual cost once it is settled', () => {
    const meter = metered(3);
    expect(meter?.report).toEqual({ estimated: 3, actual: null, max: 5 });
    meter?.settle(2);
    expect(meter?.report.actual).toBe(2);
  });
});
