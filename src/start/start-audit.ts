import { FileAuditSink } from '../audit/audit-file-sink.ts';
import { type AuditLogOptions, AuditLogStore } from '../audit/audit-log-store.ts';
import type { AuditRetention } from '../audit/audit-retention-store.ts';
import { placeOf, retainLeftLogs, type WorkerPlace } from '../audit/left-logs-store.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { describeError, faultDetails, type Log } from '../telemetry/log-sink.ts';

/** The audit, and secrets that follow from its key. */
export interface OpenedAudit {
  readonly sink: FileAuditSink;
  secretFor(purpose: string): Uint8Array;
}

/** What opening the audit takes besides the configuration. */
interface AuditDeps {
  readonly log: Log;
  readonly clock: Clock;
  /** Which of several workers this process is. */
  readonly worker?: number;
}

/**
 * Opens the audit log and what writes to it; closed in that order, so that the last segment is sealed.
 * Throws: AUDIT_UNAVAILABLE.
 */
export async function openAudit(
  config: Config,
  { log, clock, worker }: AuditDeps,
  opened: AsyncDisposableStack,
): Promise<OpenedAudit> {
  const { audit } = config;
  const options: AuditLogOptions = {
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
  };
  const store = await AuditLogStore.open(options);
  opened.defer(() => store.close());
  const sink = await FileAuditSink.open({
    openFile: store.openFile,
    directory: audit.directory,
    clock: clock.now,
    onFault: (fault) => log.error('audit fault', { ...describeError(fault.cause), ...faultDetails(fault) }),
    limits: { queueEventsMax: audit.queueEventsMax, queueBytesMax: audit.queueBytes },
  });
  opened.defer(() => sink.close());
  if (options.retention !== null) lookAfterLeftLogs(options, { log, place: placeOf(config, worker) }, opened);
  return { sink, secretFor: (purpose) => store.secretFor(purpose) };
}

/** How often logs of workers that are gone are looked at; reason: retention counts in days. */
const LEFT_LOGS_MS = 3_600_000;

/** Removes what is old of logs that nobody writes to any more, now and then; requests wait for none of it. */
function lookAfterLeftLogs(
  options: AuditLogOptions,
  { log, place }: { readonly log: Log; readonly place: WorkerPlace },
  opened: AsyncDisposableStack,
): void {
  let looking: Promise<void> | null = null;
  const look = async (): Promise<void> => {
    try {
      await retainLeftLogs(options, place);
    } catch (fault) {
      log.error('the audit of a worker that is gone could not be looked after', describeError(fault));
    } finally {
      looking = null;
    }
  };
  const begin = (): void => {
    looking ??= look();
  };
  begin();
  const timer = setInterval(begin, LEFT_LOGS_MS).unref();
  opened.defer(async () => {
    clearInterval(timer);
    await looking;
  });
}

const MS_PER_DAY = 86_400_000;

/** How long segments are kept; null where for ever. */
function retentionOf({ retention, sinks }: Config['audit']): AuditRetention | null {
  const { days = null, bytes = null } = retention;
  if (days === null && bytes === null) return null;
  const names = sinks.map(({ name, type }) => name ?? type);
  return { maxAgeMs: days === null ? null : days * MS_PER_DAY, bytesMax: bytes, sinks: names };
}
