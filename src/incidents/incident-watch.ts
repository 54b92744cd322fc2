import { LRUCache } from 'lru-cache';
import type { AuditEvent } from '../audit/event.ts';
import { DETECTORS, type RequestRule } from './detectors.ts';
import { type Finding, keyOf, tenantOf, type Watch, type WatchOptions } from './finding.ts';
import { signalOf } from './signal.ts';

export interface IncidentWatchOptions {
  /** The detectors that look, by their rule; one that is not here does not. */
  readonly watches: ReadonlyMap<RequestRule, WatchOptions>;
  /** Events that may wait to be looked at; those beyond are not, and are counted. */
  readonly queueMax: number;
  /** Time in which the same finding is reported once. */
  readonly repeatMs: number;
  /** New findings of one detector about one tenant, or about nobody's callers, that are reported within an hour. */
  readonly reportsPerHourMax: number;
  /** Units: milliseconds since the epoch. */
  now(): number;
  /** Runs work once requests that wait have had their turn. */
  defer(work: () => void): void;
  /** Takes what was found. */
  report(finding: Finding): void;
  /** Told of findings that are not reported because there were too many, once for each detector, tenant and hour. */
  onFlood(tenant: string | null): void;
  /** Told when events begin to be dropped, once until all that wait were looked at. */
  onFull(): void;
}

/** Events looked at before requests have their turn again. */
const BATCH = 200;
/** Findings that are remembered as reported, and tenants whose reports are counted. */
const REMEMBERED_MAX = 10_000;
const HOUR_MS = 3_600_000;

/**
 * Looks at every event of the audit through all detectors, after it was recorded and beside the requests.
 * Invariant: taking an event costs a place in a bounded queue, and nothing else of the request that it is about.
 */
export class IncidentWatch {
  readonly #options: IncidentWatchOptions;
  readonly #watches: readonly (readonly [RequestRule, Watch])[];
  readonly #reported: LRUCache<string, { readonly atMs: number; readonly isReported: boolean }>;
  readonly #hours = new LRUCache<string, { readonly startMs: number; reports: number }>({
    max: REMEMBERED_MAX,
  });
  #queue: AuditEvent[] = [];
  #waiting = false;
  #dropped = 0;
  #isFull = false;
  #closed = false;

  constructor(options: IncidentWatchOptions) {
    this.#options = options;
    this.#reported = new LRUCache({ max: REMEMBERED_MAX });
    this.#watches = DETECTORS.flatMap(([rule, create]) => {
      const settings = options.watches.get(rule);
      return settings === undefined ? [] : [[rule, create(settings)] as const];
    });
  }

  /** Events that were not looked at, because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Keys that all detectors hold. */
  get size(): number {
    return this.#watches.reduce((sum, [, watch]) => sum + watch.size, 0);
  }

  /** Looks at nothing more. */
  close(): void {
    this.#closed = true;
    this.#queue = [];
  }

  /** Takes an event to look at it later. */
  take(event: AuditEvent): void {
    if (this.#closed) return;
    if (this.#queue.length >= this.#options.queueMax) {
      this.#dropped += 1;
      if (!this.#isFull) this.#options.onFull();
      this.#isFull = true;
      return;
    }
    this.#queue.push(event);
    this.#wait();
  }

  /** Reports a finding, unless it was reported just now or there are too many. */
  found(finding: Finding): void {
    if (this.#closed) return;
    const key = `${finding.rule} ${keyOf(finding.culprit)}`;
    const now = this.#options.now();
    const before = this.#reported.get(key);
    const { repeatMs, report } = this.#options;
    if (before !== undefined && now - before.atMs < repeatMs) return;
    // What goes on was let through when it was new: it takes no room from what is found next.
    const isKnown = before?.isReported === true && now - before.atMs < HOUR_MS;
    const isReported = isKnown || this.#hasRoom(finding, now);
    this.#reported.set(key, { atMs: now, isReported });
    if (isReported) report(finding);
  }

  /** Reports the same finding again, should it come again: it could not be written down. */
  forget(finding: Finding): void {
    this.#reported.delete(`${finding.rule} ${keyOf(finding.culprit)}`);
  }

  #wait(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#options.defer(() => this.#look());
  }

  #look(): void {
    this.#waiting = false;
    const batch = this.#queue.slice(0, BATCH);
    this.#queue = this.#queue.slice(batch.length);
    if (this.#queue.length > 0) this.#wait();
    else this.#isFull = false;
    for (const event of batch) {
      const signal = signalOf(event);
      for (const [, watch] of this.#watches) {
        const finding = watch.see(signal);
        if (finding !== null) this.found(finding);
      }
    }
  }

  /** Noise that somebody makes for one detector must not hide another tenant's trouble, nor what other detectors find. */
  #hasRoom({ rule, culprit }: Finding, now: number): boolean {
    const tenant = tenantOf(culprit);
    const key = JSON.stringify([rule, tenant]);
    const held = this.#hours.get(key);
    const hour = held === undefined || now - held.startMs >= HOUR_MS ? { startMs: now, reports: 0 } : held;
    hour.reports += 1;
    this.#hours.set(key, hour);
    const { reportsPerHourMax, onFlood } = this.#options;
    if (hour.reports === reportsPerHourMax + 1) onFlood(tenant);
    return hour.reports <= reportsPerHourMax;
  }
}
