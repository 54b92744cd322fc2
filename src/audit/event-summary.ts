import type { AuditEvent } from './event.ts';

/** What a terminal could take for a command, and what turns the direction of text. */
const UNSAFE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Text that does nothing to a terminal. */
export function harmless(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** One event in one line for people. */
export function eventSummary(event: AuditEvent): string {
  const { principal, operation, decision } = event;
  const who = principal === null ? '-' : `${principal.tenant ?? '-'}/${principal.subject}`;
  const what =
    operation === null ? '-' : `${operation.type} ${operation.name ?? operation.hash.slice(0, 12)}`;
  const why = event.code ?? decision.reasons[0]?.code;
  const parts = [
    ...[event.time, String(event.status), decision.effect, what, who],
    ...[`${(event.durationUs / 1000).toFixed(1)}ms`, event.requestId],
    ...(why === undefined ? [] : [why]),
    ...(event.severity === 'critical' ? ['CRITICAL'] : []),
  ];
  return harmless(parts.join('  '));
}
