import type { ErrorCode } from '../errors.ts';
import type { Measures, OperationLimits } from './operation.ts';

interface Limit {
  readonly name: keyof Measures;
  readonly code: ErrorCode;
}

/** Every measure that is limited, in the order in which an excess is told. */
export const LIMITS: readonly Limit[] = Object.freeze([
  { name: 'tokens', code: 'MAX_TOKENS_LIMIT' },
  { name: 'directives', code: 'MAX_DIRECTIVES_LIMIT' },
  { name: 'depth', code: 'MAX_DEPTH_LIMIT' },
  { name: 'aliases', code: 'MAX_ALIASES_LIMIT' },
  { name: 'rootFields', code: 'MAX_ROOT_FIELDS_LIMIT' },
  { name: 'selections', code: 'MAX_SELECTIONS_LIMIT' },
  { name: 'height', code: 'MAX_HEIGHT_LIMIT' },
]);

/**
 * Above this many expanded selections nothing is expanded, whatever config permits or only warns of.
 * Reason: expanding is linear in selections, and this many take about a second and 200 MB.
 */
export const SELECTIONS_CEILING = 100_000;

/** Names the limits that the given measures exceed; a measure not given is not judged. */
export function exceeded(measures: Partial<Measures>, limits: OperationLimits): ErrorCode[] {
  return LIMITS.filter(({ name }) => (measures[name] ?? 0) > limits[name]).map(({ code }) => code);
}

/**
 * Adds one operation to what its batch has used, and names the limits that the sum exceeds.
 * Depth is not a sum: each operation's own limit covers it.
 */
export function exceededByBatch(
  measures: Measures,
  limits: OperationLimits,
  used: Map<string, number>,
): ErrorCode[] {
  const codes: ErrorCode[] = [];
  for (const { name, code } of LIMITS) {
    if (name === 'depth') continue;
    const sum = (used.get(name) ?? 0) + measures[name];
    used.set(name, sum);
    if (sum > limits[name]) codes.push(code);
  }
  return codes;
}
