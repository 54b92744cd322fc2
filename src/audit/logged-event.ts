import type { AuditEvent, AuditIntent } from './event.ts';
import { looksLikeIntent } from './intent.ts';
import { looksLikeMarker } from './marker.ts';

/** One event as the log holds it: the line as it was written, and what it says. */
export interface LoggedEvent {
  readonly line: string;
  readonly event: AuditEvent & { readonly seq: number };
}

/** Null for a line that is no event: a marker, an intent, or one that cannot be read. */
export function readLoggedEvent(line: string): LoggedEvent | null {
  if (looksLikeMarker(line) || looksLikeIntent(line)) return null;
  try {
    const event: unknown = JSON.parse(line);
    return isEvent(event) ? { line, event } : null;
  } catch {
    return null;
  }
}

/** Enough of its form for all that reads it; `audit verify` says whether it was changed. */
function isEvent(value: unknown): value is LoggedEvent['event'] {
  if (typeof value !== 'object' || value === null) return false;
  const { time, requestId, decision, fetches } = value as Record<string, unknown>;
  const isDecided = typeof decision === 'object' && decision !== null && 'reasons' in decision;
  return typeof time === 'string' && typeof requestId === 'string' && isDecided && Array.isArray(fetches);
}

/** Null for a line that is no intent. */
export function readLoggedIntent(line: string): LoggedIntent | null {
  if (!looksLikeIntent(line)) return null;
  try {
    const { requestId } = JSON.parse(line) as Partial<AuditIntent>;
    return typeof requestId === 'string' ? { line, requestId } : null;
  } catch {
    return null;
  }
}

/** One intent as the log holds it. */
export interface LoggedIntent {
  readonly line: string;
  readonly requestId: string;
}
