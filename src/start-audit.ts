import { FileAuditSink } from './audit/audit-file-sink.ts';
import { AuditLogStore } from './audit/audit-log-store.ts';
import type { AuditRetention } from './audit/audit-retention-store.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config/config.ts';
import { describeError, faultDetails, type Log } from './telemetry/log-sink.ts';

/** The audit, and secrets that follow from its key. */
export interface OpenedAudit {
  readonly sink: FileAuditSink;
  secretFor(purpose: string): Uint8Array;
}

/**
 * Opens the audit log and what writes to it; closed in that order, so that the last segment is sealed.
 * Throws: AUDIT_UNAVAILABLE.
 */
export async function openAudit(
  { audit }: Config,
  { log, clock }: { readonly log: Log; readonly clock: Clock },
  opened: AsyncDisposableStack,
): Promise<OpenedAudit> {
  const store = await AuditLogStore.open({
    directory: audit.directory,
    keyPath: audit.keyFile ?? null,
    segmentBytesMax: audit.segmentBytes,
    clock: clock.now,
    onRecovery: (recovery) => log.warn('audit recovered', { ...recovery }),
    retention: retentionOf(audit),
    onRetention: (outcome) =>
      'segments' in outcome
        ? log.info('old segments of the audit were removed', { ...outcome })
        : log.error('old segments of the audit could not be removed', describeError(outcome.fault)),
  });
  opened.defer(() => store.close());
  const sink = await FileAuditSink.open({
    openFile: store.openFile,
    directory: audit.directory,
    clock: clock.now,
    onFault: (fault) => log.error('audit fault', { ...describeError(fault.cause), ...faultDetails(fault) }),
    limits: { queueEventsMax: audit.queueEventsMax, queueBytesMax: audit.queueBytes },
  });
  opened.defer(() => sink.close());
  return { sink, secretFor: (purpose) => store.secretFor(purpose) };
}

const MS_PER_DAY = 86_400_000;

/** How long segments are kept; null where for ever. */
function retentionOf({ retention, sinks }: Config['audit']): AuditRetention | null {
  const { days = null, bytes = null } = retention;
  if (days === null && bytes === null) return null;
  const names = sinks.map(({ name, type }) => name ?? type);
  return { maxAgeMs: days === null ? null : days * MS_PER_DAY, bytesMax: bytes, sinks: names };
}
