import type { AuditSink } from '../audit/event.ts';
import { checkNewestSegments } from '../audit/newest-segments-store.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { SYSTEM } from '../control/actor.ts';
import type { IncidentsStore } from '../control/incidents-store.ts';
import { containmentOf } from '../incidents/containment.ts';
import { auditTampering } from '../incidents/detectors/audit-tampering.ts';
import { DETECTORS } from '../incidents/detectors.ts';
import { type Finding, type IncidentRule, keyOf, RULES_OF_INCIDENTS } from '../incidents/finding.ts';
import { IncidentWatch } from '../incidents/incident-watch.ts';
import type { IncidentCounts } from '../telemetry/incident-metrics.ts';
import { describeError, type Log } from '../telemetry/log-sink.ts';

/** Time in which the same finding is written down once. */
const REPEAT_MS = 10_000;

interface IncidentParts {
  /** Counts what is found, for the metrics. */
  readonly counts: IncidentCounts;
  readonly audit: AuditSink;
  readonly log: Log;
  readonly clock: Clock;
  /** Null where nothing keeps incidents. */
  readonly control: { readonly incidents: Pick<IncidentsStore, 'open'> } | null;
  /** Null where there are no limits that a caller could be held to a share of. */
  readonly limiter: object | null;
  readonly opened: AsyncDisposableStack;
}

/** Whether any detector looks. */
export function looksForIncidents(config: Config): boolean {
  return RULES_OF_INCIDENTS.some((rule) => modeOf(config, rule) !== 'off');
}

function modeOf({ incidents }: Config, rule: IncidentRule): Config['incidents']['mode'] {
  return incidents.detectors[rule].mode ?? incidents.mode;
}

/** The audit with detectors behind it, which look at each event once it is recorded; the audit alone where none looks. */
export function watchIncidents(config: Config, parts: IncidentParts): AuditSink {
  const { incidents } = config;
  const { audit, log, clock, control, opened, limiter, counts } = parts;
  if (control === null || !looksForIncidents(config)) return audit;
  const isOn = (rule: IncidentRule) => modeOf(config, rule) !== 'off';
  const sensitive = new Set(incidents.sensitiveFields);
  let writing: Promise<unknown> = Promise.resolve();
  const waiting = new Set<string>();
  const open = async (finding: Finding): Promise<void> => {
    const { action, actionSeconds } = incidents.detectors[finding.rule];
    const dryRun = modeOf(config, finding.rule) !== 'act';
    const possible = containmentOf(finding, action);
    const containment = possible?.kind === 'throttle' && limiter === null ? null : possible;
    const times = { actionMs: actionSeconds * 1000, muteMs: incidents.muteSeconds * 1000 };
    try {
      const opening = await control.incidents.open(SYSTEM, {
        finding,
        action,
        containment,
        dryRun,
        ...times,
      });
      if (opening.outcome !== 'opened') return;
      const { incident, contained } = opening;
      counts.opened(finding.rule, dryRun ? 'dryRun' : 'act');
      log.warn('an incident was opened', { incidentId: incident.id, rule: finding.rule, contained, dryRun });
    } catch (fault) {
      watch.forget(finding);
      counts.lost('unwritten');
      log.error('an incident could not be written down', { rule: finding.rule, ...describeError(fault) });
    }
  };
  const watch = new IncidentWatch({
    watches: new Map(
      DETECTORS.filter(([rule]) => isOn(rule)).map(([rule]) => {
        const { threshold, windowSeconds, floor } = incidents.detectors[rule];
        const { keysMax, distinctIds, distinctIdsTotal } = incidents;
        const windowMs = windowSeconds * 1000;
        const ids = { distinctIds, distinctIdsTotal };
        return [rule, { threshold, floor, sensitive, ...ids, keysMax, windowMs }];
      }),
    ),
    ...{ queueMax: incidents.queueMax, reportsPerHourMax: incidents.reportsPerHourMax },
    ...{ repeatMs: REPEAT_MS, now: clock.now, defer: (work) => void setImmediate(work) },
    // One after the other: the database takes changes in turn anyway. What waits already need not wait twice.
    report: (finding) => {
      const key = `${finding.rule} ${keyOf(finding.culprit)}`;
      if (waiting.has(key)) return;
      waiting.add(key);
      writing = writing.then(() => open(finding)).finally(() => waiting.delete(key));
    },
    onFlood: (tenant) => {
      counts.lost('flood');
      log.error('too many incidents; further ones of this hour are not opened', { tenant });
    },
    onFull: () => log.error('detectors do not keep up: some events are recorded, but not looked at'),
  });
  counts.watch(watch);
  opened.defer(async () => {
    watch.close();
    await writing;
  });
  if (isOn('auditTampering')) lookAtLog(config, watch, parts);
  return {
    record: (event) => {
      audit.record(event);
      watch.take(event);
    },
    intend: (intent) => audit.intend(intent),
    healthy: () => audit.healthy(),
    close: () => audit.close(),
  };
}

/** Verifies the newest segments of the audit log in each window, one look at a time. */
function lookAtLog(
  { audit, incidents }: Config,
  watch: IncidentWatch,
  { log, clock, opened }: IncidentParts,
): void {
  const { threshold, windowSeconds } = incidents.detectors.auditTampering;
  const tampering = auditTampering(threshold);
  let looking: Promise<void> | null = null;
  const look = async (): Promise<void> => {
    try {
      const check = await checkNewestSegments(audit.directory, audit.keyFile ?? null);
      const finding = tampering({ ...check, timeMs: clock.now() });
      if (finding !== null) watch.found(finding);
    } catch (fault) {
      log.error('the audit log could not be verified', describeError(fault));
    } finally {
      looking = null;
    }
  };
  const timer = setInterval(() => {
    looking ??= look();
  }, windowSeconds * 1000);
  timer.unref();
  opened.defer(async () => {
    clearInterval(timer);
    await looking;
  });
}
