import type { Switches } from '../../control/switches.ts';
import { whenApplies } from '../../operation/condition.ts';
import type { CompiledOperation } from '../../operation/operation.ts';
import type { Reason } from '../decision.ts';

/** The rule that kill switches are told by; no dry run lifts it. */
export const SWITCHED_OFF = 'switched-off';

const STOPPED: Reason = { rule: SWITCHED_OFF, code: 'SWITCHED_OFF', coordinate: null, path: null };

/** The refusal of an operation that is switched off as a whole; null where it is not. */
export function stoppedBy(switches: Switches, operation: CompiledOperation): Reason | null {
  return switches.stops(operation) ? STOPPED : null;
}

/**
 * Numbers in a mask of the fields that are switched off, where the operation selects them.
 * Invariant: a selection that its variables leave out is not refused.
 */
export function fieldsSwitchedOff(
  switches: Switches,
  operation: CompiledOperation,
  held: readonly boolean[],
): readonly number[] {
  const { guards, selected } = operation;
  return switches
    .fieldsOff(operation)
    .filter((at) => whenApplies(selected[at]?.when ?? null, held))
    .map((at) => guards.length + at);
}
