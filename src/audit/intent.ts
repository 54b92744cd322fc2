import type { AuditEvent, AuditIntent } from './event.ts';
import { EVENT_LIMITS } from './event-limits.ts';
import type { AuditedOperation, AuditedRequest } from './recorder.ts';

/** The intent of one request, every text cut to its bound. */
export function auditIntent(
  { id, receivedAtMs }: Pick<AuditedRequest, 'id' | 'receivedAtMs'>,
  principal: AuditEvent['principal'],
  { hash, name }: Pick<AuditedOperation, 'hash' | 'name'>,
): AuditIntent {
  return {
    intent: 1,
    time: new Date(receivedAtMs).toISOString(),
    requestId: id.slice(0, EVENT_LIMITS.tokenChars).toWellFormed(),
    principal,
    operation: { hash, name: name === null ? null : name.slice(0, EVENT_LIMITS.nameChars).toWellFormed() },
  };
}

const PREFIX = '{"intent":';

/** True for the line of an intent; events never begin so. */
export function looksLikeIntent(line: string): boolean {
  return line.startsWith(PREFIX);
}
