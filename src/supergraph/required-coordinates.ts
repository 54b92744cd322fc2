import type { Requirement, SecurityPolicy } from './policy.ts';
import type { IsVisible } from './remains.ts';

/** The distinct requirements of a policy, and which of them each coordinate asks for. */
export interface RequiredCoordinates {
  /** In an order that depends on the policy alone. */
  readonly requirements: readonly Requirement[];
  /** By coordinate, the index of its requirement. */
  readonly indexes: ReadonlyMap<string, number>;
}

const tables = new WeakMap<SecurityPolicy, RequiredCoordinates>();

/** Numbers what a policy requires, once for each policy: a caller is told apart by what of it they hold. */
export function requiredCoordinates(policy: SecurityPolicy): RequiredCoordinates {
  const known = tables.get(policy);
  if (known !== undefined) return known;
  const numbers = new Map<string, number>();
  const requirements: Requirement[] = [];
  const indexes = new Map<string, number>();
  for (const [coordinate, requirement] of [...policy.types, ...policy.fields]) {
    const key = JSON.stringify(requirement);
    const index = numbers.get(key) ?? requirements.push(requirement) - 1;
    numbers.set(key, index);
    indexes.set(coordinate, index);
  }
  const table = Object.freeze({ requirements: Object.freeze(requirements), indexes });
  tables.set(policy, table);
  return table;
}

/**
 * What one set of callers may know, as text: `1` for each requirement that is held, `0` for the others, and then the
 * coordinates that are hidden from them besides, apart by blanks.
 */
export function viewKey(held: string, hidden: readonly string[]): string {
  return [held, ...hidden].join(' ');
}

/** Whether nothing is kept from whom a view is for. */
export function seesAll(view: string): boolean {
  return /^1*$/u.test(view);
}

/** What may be known by whom a view is for. */
export function visibleTo(view: string, { indexes }: RequiredCoordinates): IsVisible {
  const [held = '', ...names] = view.split(' ');
  const hidden = new Set(names);
  return (coordinate) => {
    if (hidden.has(coordinate)) return false;
    const index = indexes.get(coordinate);
    return index === undefined || held[index] === '1';
  };
}
