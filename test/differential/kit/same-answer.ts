import { expect } from 'vitest';
import type { Answer, Ask } from './two-engines.ts';

/**
 * Holds our answer against Apollo's: equal data, and every error of Apollo's. More errors are permitted in one case only.
 * Reason: where a value is missing or does not fit the schema, Apollo writes null and tells it in `extensions`, or not at all
 * once a subgraph has told any error; we tell an error at that path. So an error of ours alone must stand at a null. Where Apollo is
 * known to lose data, it may tell an error of what it lost and we have.
 */
export function expectSameAnswer(
  native: Answer,
  apollo: Answer,
  about: { readonly ask: Ask; readonly apolloLosesData?: boolean },
): void {
  const ours = about.apolloLosesData === true ? withLosses(native.data, apollo.data) : native.data;
  expect(ours, JSON.stringify(about)).toEqual(apollo.data);
  const tellsLoss = (error: string) =>
    about.apolloLosesData === true &&
    valueAt(native.data, error) !== null &&
    valueAt(apollo.data, error) === null;
  const missing = apollo.errors.filter((error) => !native.errors.includes(error) && !tellsLoss(error));
  expect(missing, JSON.stringify(about)).toEqual([]);
  const more = native.errors.filter((error) => !apollo.errors.includes(error));
  for (const error of more) {
    expect(error.startsWith('DOWNSTREAM_SERVICE_ERROR '), `${error} in ${JSON.stringify(about)}`).toBe(true);
    expect(valueAt(native.data, error), `${error} in ${JSON.stringify(about)}`).toBeNull();
  }
}

/** Our data with null wherever Apollo has null: what is left must be the same. */
function withLosses(ours: unknown, theirs: unknown): unknown {
  if (theirs === null || typeof ours !== 'object' || ours === null) return theirs === null ? null : ours;
  if (Array.isArray(ours)) {
    return Array.isArray(theirs) ? ours.map((item, index) => withLosses(item, theirs[index])) : ours;
  }
  const other = theirs as Record<string, unknown>;
  return Object.fromEntries(Object.entries(ours).map(([key, value]) => [key, withLosses(value, other[key])]));
}

function valueAt(data: unknown, error: string): unknown {
  const path = JSON.parse(error.slice(error.indexOf(' ') + 1)) as (string | number)[] | null;
  let value: unknown = data;
  for (const step of path ?? []) {
    if (value === null || value === undefined) return null;
    value = (value as Record<string | number, unknown>)[step];
  }
  return path === null ? undefined : (value ?? null);
}

/** A deep copy with ordinary prototypes, to compare with. */
export function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}
