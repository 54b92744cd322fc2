import { GraphQLError } from 'graphql';
import { ControlError, type ControlFault } from '../../src/control/control-error.ts';
import type { Page } from '../../src/control/input.ts';
import { refuse } from '../kit/access.ts';

/** One entry of `errors` in the answer to a change. */
interface Fault {
  readonly code: ControlFault['code'];
  readonly message: string;
  readonly field: string | null;
}

/**
 * The payload of a change: what was made under its name, or why it was not made.
 * Throws: what the control plane did not foresee.
 */
export async function payload<T>(
  name: string,
  work: () => Promise<T>,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    return { [name]: await work(), errors: [] };
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    return { [name]: null, errors: [faultEntry(error.fault)] };
  }
}

/**
 * Answers a read; what does not exist, or not for this caller, is null.
 * Throws: GraphQLError `BAD_USER_INPUT` or `FORBIDDEN`, and what the control plane did not foresee.
 */
export async function reading<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GraphQLError || !(error instanceof ControlError)) throw error;
    const { code, message } = faultEntry(error.fault);
    if (code === 'NOT_FOUND') return null;
    throw refuse(code === 'INVALID_INPUT' ? 'BAD_USER_INPUT' : code, message);
  }
}

function faultEntry(fault: ControlFault): Fault {
  return {
    code: fault.code,
    message: messageOf(fault),
    field: fault.code === 'INVALID_INPUT' ? fault.field : null,
  };
}

function messageOf(fault: ControlFault): string {
  switch (fault.code) {
    case 'NOT_FOUND':
      return `There is no such ${fault.entity}.`;
    case 'INVALID_INPUT':
      return `${fault.field} ${fault.reason}.`;
    case 'INVALID_TRANSITION':
      return `In the state ${fault.state} it cannot be done: ${fault.action}.`;
    case 'VERSION_CONFLICT':
      return `It was changed since it was read: its version is ${fault.current}.`;
    case 'STEP_UP_REQUIRED':
      return `Authenticate again with a second factor; it counts for ${fault.maxAgeSeconds} seconds.`;
    default:
      return `Not done: ${fault.reason}.`;
  }
}

/** A page as a connection. */
export function connection<T>(page: Page<T>): {
  readonly nodes: readonly T[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
} {
  return { nodes: page.items, pageInfo: { hasNextPage: page.next !== null, endCursor: page.next } };
}

/** A time as clients read it. Units: milliseconds since the epoch. */
export function timeText(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
