import type { AuditEvent } from '../audit/event.ts';
import { Counter, Gauge, Histogram, type Metric, type Reading, Readings, renderMetrics } from './metrics.ts';
import { type SinkReading, sinkMetrics } from './sink-metrics.ts';
import { faultCode, type StageObserver, type StageTime } from './stage-observer.ts';

/** What is looked at when metrics are asked for. */
export interface MetricSources {
  auditHealthy(): boolean;
  auditDropped(): number;
  /** Units: seconds. */
  loopDelay(): number;
  /** Units: bytes. */
  memory(): { readonly rss: number; readonly heapUsed: number };
  ready(): boolean;
  /** Where audit events go besides the files. */
  sinks(): readonly SinkReading[];
  /** What detectors found. */
  readonly incidents: readonly Metric[];
  /** Connections to subgraphs, by host and state. */
  connections(): Iterable<Reading>;
  /** Connections to the database of the control plane, by state; none where there is no such database. */
  databaseConnections(): Iterable<Reading>;
  /** What waits, by the name of its queue. */
  queues(): Iterable<Reading>;
  /** Entries, by the name of their cache. */
  caches(): Iterable<Reading>;
  /** Spans of traces that were left out since the start. */
  spansDropped(): number;
  /** Callers held to less for what they did. */
  tightened(): number;
  /** How often limits changed for what callers did, by cause and direction. */
  limitChanges(): Iterable<Reading>;
}

const MICRO = 1_000_000;

/**
 * What requests do, counted from their audit events.
 * Invariant: labels come from the schema, the catalogue of codes and the configuration, and never from clients.
 */
export class GatewayMetrics implements StageObserver {
  readonly #requests = new Counter(
    'portcullis_requests_total',
    'Operations and refused requests, each once; a subscription when it opens and when it ends.',
    ['type', 'decision', 'code', 'status'],
  );
  readonly #duration = new Histogram(
    'portcullis_request_duration_seconds',
    'Time from identification to the answer.',
    ['type', 'decision'],
  );
  readonly #refusals = new Counter(
    'portcullis_refused_fields_total',
    'Fields and types that were refused, by rule.',
    ['rule', 'code'],
  );
  readonly #fetches = new Counter('portcullis_subgraph_requests_total', 'Calls to subgraphs.', [
    'subgraph',
    'status',
  ]);
  readonly #attempts = new Counter(
    'portcullis_ai_attempts_total',
    'What came of AI models that subgraphs asked; CACHED where the answer was kept.',
    ['subgraph', 'outcome'],
  );
  readonly #fetchErrors = new Counter('portcullis_subgraph_errors_total', 'Errors in answers of subgraphs.', [
    'subgraph',
  ]);
  readonly #fetchDuration = new Histogram(
    'portcullis_subgraph_duration_seconds',
    'Time of calls to subgraphs.',
    ['subgraph'],
  );
  readonly #stages = new Histogram('portcullis_stage_duration_seconds', 'Time in parts of the path.', [
    'stage',
  ]);
  readonly #stageErrors = new Counter(
    'portcullis_stage_errors_total',
    'Parts of the path that ended a request, by the code of its refusal.',
    ['stage', 'code'],
  );
  readonly #foreign = new Counter(
    'portcullis_foreign_objects_total',
    'Objects of another tenant that were withheld.',
    [],
  );
  readonly #cost = new Counter('portcullis_cost_points_total', 'Points of cost of what ran.', []);
  readonly #all: readonly Metric[];

  constructor(sources: MetricSources) {
    const gauge = (name: string, help: string, read: () => number) => new Gauge(name, help, read);
    const readings = (name: string, help: string, [label, read]: [string, () => Iterable<Reading>]) =>
      new Readings('gauge', { name, help, labels: [label] }, read);
    this.#all = [
      ...[this.#requests, this.#duration, this.#stages, this.#stageErrors, this.#refusals],
      ...[this.#fetches, this.#attempts, this.#fetchErrors, this.#fetchDuration, this.#foreign, this.#cost],
      gauge('portcullis_ready', '1 while requests are served.', () => Number(sources.ready())),
      gauge('portcullis_tightened_callers', 'Callers held to less for what they did.', sources.tightened),
      new Readings(
        'counter',
        {
          name: 'portcullis_limit_changes_total',
          help: 'Limits tightened and relaxed for what a caller did.',
          labels: ['cause', 'direction'],
        },
        sources.limitChanges,
      ),
      gauge('portcullis_audit_writable', '1 while the audit can be written.', () =>
        Number(sources.auditHealthy()),
      ),
      gauge(
        'portcullis_audit_dropped_events',
        'Audit events that were lost since the start.',
        sources.auditDropped,
      ),
      ...sinkMetrics(sources.sinks),
      ...sources.incidents,
      new Readings(
        'gauge',
        {
          name: 'portcullis_subgraph_connections',
          help: 'Connections to subgraphs over plain HTTP, and calls that wait for one.',
          labels: ['host', 'state'],
        },
        () => sources.connections(),
      ),
      readings(
        'portcullis_database_connections',
        'Connections to the database of the control plane, and calls that wait for one.',
        ['state', sources.databaseConnections],
      ),
      readings('portcullis_queue_length', 'What waits in queues of the gateway.', ['queue', sources.queues]),
      readings('portcullis_cache_entries', 'Entries of caches.', ['cache', sources.caches]),
      new Readings(
        'counter',
        { name: 'portcullis_trace_spans_dropped_total', help: 'Spans that were left out.', labels: [] },
        () => [[[], sources.spansDropped()]],
      ),
      gauge(
        'nodejs_eventloop_lag_seconds',
        'Mean delay of the event loop since it was last asked for.',
        sources.loopDelay,
      ),
      gauge('process_resident_memory_bytes', 'Resident memory.', () => sources.memory().rss),
      gauge('nodejs_heap_size_used_bytes', 'Used heap.', () => sources.memory().heapUsed),
    ];
  }

  /** Counts one event. */
  observe({
    operation,
    decision,
    code,
    status,
    durationUs,
    fetches,
    foreignObjects,
    cost,
  }: AuditEvent): void {
    const type = operation?.type ?? 'none';
    this.#requests.add([type, decision.effect, code ?? 'none', String(status)]);
    this.#duration.observe([type, decision.effect], durationUs / MICRO);
    for (const { rule, code: reason } of decision.reasons) this.#refusals.add([rule, reason]);
    for (const { subgraph, status: answered, errors, durationUs: tookUs, models = [] } of fetches) {
      for (const { outcome } of models) this.#attempts.add([subgraph, outcome]);
      this.#fetches.add([subgraph, String(answered)]);
      this.#fetchDuration.observe([subgraph], tookUs / MICRO);
      if (errors > 0) this.#fetchErrors.add([subgraph], errors);
    }
    if (foreignObjects > 0) this.#foreign.add([], foreignObjects);
    if (cost?.actual != null) this.#cost.add([], cost.actual);
  }

  took({ stage, startedUs, endedUs, fault }: StageTime): void {
    this.#stages.observe([stage], (endedUs - startedUs) / MICRO);
    if (fault !== undefined) this.#stageErrors.add([stage, faultCode(fault)]);
  }

  /** All that is told. */
  get all(): readonly Metric[] {
    return this.#all;
  }

  /** The page that Prometheus reads. */
  render(): string {
    return renderMetrics(this.#all);
  }
}
