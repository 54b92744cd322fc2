import { type DirectiveNode, Kind, type ValueNode } from 'graphql';
import type { Condition, When } from './condition.ts';

/** The conditions one operation depends on, each held once and named by its index. */
export class ConditionTable {
  readonly #conditions: Condition[] = [];
  readonly #indexes = new Map<string, number>();

  get conditions(): readonly Condition[] {
    return this.#conditions;
  }

  index(condition: Condition): number {
    const key = JSON.stringify(condition);
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    const index = this.#conditions.push(condition) - 1;
    this.#indexes.set(key, index);
    return index;
  }

  /** Adds what `@skip` and `@include` ask to a conjunction; `'never'` where a literal or a contradiction switches it off. */
  conjunction(outer: readonly number[], directives: readonly DirectiveNode[]): readonly number[] | 'never' {
    let all = outer;
    for (const directive of directives) {
      const wanted = wantedValue(directive);
      if (wanted === null) continue;
      const value = conditionValue(directive);
      if (value?.kind === Kind.BOOLEAN) {
        if (value.value !== wanted) return 'never';
        continue;
      }
      if (value?.kind !== Kind.VARIABLE) continue;
      const variable = value.name.value;
      const opposite = this.#indexes.get(JSON.stringify({ kind: 'is', variable, value: !wanted }));
      if (opposite !== undefined && all.includes(opposite)) return 'never';
      const index = this.index({ kind: 'is', variable, value: wanted });
      if (!all.includes(index)) all = [...all, index];
    }
    return all;
  }
}

/** True where the directive is one of the two that switch selections. */
export function isSwitch(directive: DirectiveNode): boolean {
  return wantedValue(directive) !== null;
}

function wantedValue(directive: DirectiveNode): boolean | null {
  if (directive.name.value === 'include') return true;
  return directive.name.value === 'skip' ? false : null;
}

function conditionValue(directive: DirectiveNode): ValueNode | undefined {
  return directive.arguments?.find((argument) => argument.name.value === 'if')?.value;
}

/** The disjunction of conjunctions, subsumed ones dropped; null (always) as soon as one is empty or there is none. */
export function anyOf(conjunctions: Iterable<readonly number[]>): When {
  const kept: (readonly number[])[] = [];
  for (const conjunction of conjunctions) {
    if (conjunction.length === 0) return null;
    if (kept.some((other) => other.every((index) => conjunction.includes(index)))) continue;
    const rest = kept.filter((other) => !conjunction.every((index) => other.includes(index)));
    kept.splice(0, kept.length, ...rest, conjunction);
  }
  return kept.length === 0 ? null : kept;
}

/** Adds one more condition to every conjunction. */
export function both(when: When, index: number): When {
  if (when === null) return [[index]];
  return anyOf(
    when.map((conjunction) => (conjunction.includes(index) ? conjunction : [...conjunction, index])),
  );
}
