import type { Finding } from '../finding.ts';

/** What a look at the audit log came to. */
export interface LogCheck {
  /** Units: milliseconds since the epoch. */
  readonly timeMs: number;
  /** Places where the log is not as it was written. */
  readonly breaks: number;
  /** Numbers of the oldest and the newest segment that are there; null where there is none. */
  readonly segments: { readonly first: number; readonly last: number } | null;
}

/** Looks at what each check of the log found: it breaks nowhere, and its newest segment is never older than before. */
export function auditTampering(threshold: number): (check: LogCheck) => Finding | null {
  let newest = -1;
  return ({ timeMs, breaks, segments }) => {
    const last = segments?.last ?? -1;
    const lost = Math.max(0, newest - last);
    newest = Math.max(newest, last);
    if (breaks + lost < threshold) return null;
    return {
      ...{ rule: 'auditTampering', severity: 'critical', culprit: { kind: 'audit' }, timeMs },
      ...{ counts: { breaks, lost }, events: [], operation: null, coordinate: null },
    };
  };
}
