import type { AuditEvent, AuditIntent } from './event.ts';

/** An operation's part is one frozen object for all its requests: encoded once, which saves a third. */
const fragments = new WeakMap<object, string>();

/** What JSON leaves as it is and some readers still take for the end of a line, or a terminal for a command. */
const UNSAFE = /[\u007f-\u009f\u2028\u2029]/g;

/**
 * One event as one line of NDJSON, its line feed included.
 * Invariant: no other character of it ends a line, whatever names clients choose.
 */
export function auditLine({ operation, ...rest }: AuditEvent): string {
  const head = escapeUnsafe(JSON.stringify(rest));
  return `${head.slice(0, -1)},"operation":${operation === null ? 'null' : fragment(operation)}}\n`;
}

/** One intent as one line of NDJSON, its line feed included. */
export function intentLine(intent: AuditIntent): string {
  return `${escapeUnsafe(JSON.stringify(intent))}\n`;
}

function fragment(operation: object): string {
  const known = fragments.get(operation);
  if (known !== undefined) return known;
  const encoded = escapeUnsafe(JSON.stringify(operation));
  fragments.set(operation, encoded);
  return encoded;
}

function escapeUnsafe(json: string): string {
  return json.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
