import type { When } from '../condition.ts';
import { evaluateNodes } from './evaluate-cost.ts';
import { COST_MAX, type CostNode } from './formula.ts';

/** Nodes of one formula, each held once; what no variable decides is worked out as it is added. */
export class NodeTable {
  readonly nodes: CostNode[] = [];
  readonly #indexes = new Map<string, number>();

  constant(value: number): number {
    return this.#index({ kind: 'constant', value: Math.min(value, COST_MAX) });
  }

  sum(of: readonly number[]): number {
    return this.#combine('sum', of, 0);
  }

  product(of: readonly number[]): number {
    return of.some((index) => this.constantAt(index) === 0)
      ? this.constant(0)
      : this.#combine('product', of, 1);
  }

  max(of: readonly number[]): number {
    return this.#combine('max', [...new Set(of)], 0);
  }

  when(when: When, then: number): number {
    if (when === null || this.constantAt(then) === 0) return then;
    return this.#index({ kind: 'when', when, then });
  }

  /** Adds a node as it is, or what it comes to where no variable decides it and nothing is wrong with it. */
  add(node: CostNode, fixed: boolean): number {
    if (!fixed) return this.#index(node);
    const faults = new Set<string>();
    const [value = COST_MAX] = evaluateNodes({ nodes: [node], conditions: [] }, {}, faults);
    return faults.size === 0 ? this.constant(value) : this.#index(node);
  }

  /** The value of a constant; null for any other node. */
  constantAt(index: number): number | null {
    const node = this.nodes[index];
    return node?.kind === 'constant' ? node.value : null;
  }

  /** Folds the constants into one, and drops it where it changes nothing. */
  #combine(kind: 'sum' | 'product' | 'max', of: readonly number[], neutral: number): number {
    const open = of.filter((index) => this.constantAt(index) === null);
    const known = of.flatMap((index) => this.constantAt(index) ?? []);
    const folded = known.reduce((a, b) => {
      if (kind === 'max') return Math.max(a, b);
      return Math.min(kind === 'sum' ? a + b : a * b, COST_MAX);
    }, neutral);
    const [only] = open;
    if (only === undefined) return this.constant(folded);
    const all = folded === neutral ? open : [...open, this.constant(folded)];
    return all.length === 1 ? only : this.#index({ kind, of: all });
  }

  #index(node: CostNode): number {
    const key = JSON.stringify(node);
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    const index = this.nodes.push(node) - 1;
    this.#indexes.set(key, index);
    return index;
  }
}
