import { invalidInput } from './control-error.ts';
import { whole } from './input.ts';

/** The most money that may be spent per day or month of UTC. Units: micro-USD. */
export interface SpendCap {
  readonly microUsd: number;
  readonly per: 'day' | 'month';
}

/** A billion US dollars. Units: micro-USD. */
export const MICRO_USD_MAX = 1_000_000_000_000_000;

/** Throws: INVALID_INPUT. */
export function checkedSpendCap(field: string, { microUsd, per }: SpendCap): SpendCap {
  if (per !== 'day' && per !== 'month') throw invalidInput(field, 'must be for a day or a month');
  return { microUsd: whole(field, microUsd, { min: 1, max: MICRO_USD_MAX }), per };
}
