import { randomUUID } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FileAuditSink } from '../audit/audit-file-sink.ts';
import type { Clock } from '../clock.ts';
import { packageVersion } from '../commands/package-root.ts';
import type { Config } from '../config/config.ts';
import type { Graph } from '../graph.ts';
import type { Identifier } from '../identity/identify.ts';
import type { PipelineParts } from '../pipeline.ts';
import { GatewayMetrics, type MetricSources } from '../telemetry/gateway-metrics.ts';
import type { IncidentCounts } from '../telemetry/incident-metrics.ts';
import { describeError, type Log } from '../telemetry/log-sink.ts';
import { MetricPushSink } from '../telemetry/metric-push-sink.ts';
import type { Reading } from '../telemetry/metrics.ts';
import { startMetricsServer } from '../telemetry/metrics-server.ts';
import { OtlpClient } from '../telemetry/otlp-client.ts';
import { metricsExport } from '../telemetry/otlp-metrics.ts';
import { resourceOf } from '../telemetry/otlp-value.ts';
import { observeParts } from './observe-parts.ts';
import type { RunningControl } from './running-control.ts';
import type { Tracing } from './start-tracing.ts';

/** What metrics are told of. */
interface MetricDeps {
  readonly audit: FileAuditSink;
  readonly identifier: Pick<Identifier, 'counts'>;
  readonly graphs: { readonly current: Graph | null };
  readonly tracer: Pick<Tracing, 'spans'>;
  readonly sinks: MetricSources['sinks'];
  readonly incidents: IncidentCounts;
  readonly running: Pick<RunningControl, 'connections'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly opened: AsyncDisposableStack;
  ready(): boolean;
}

const NANO = 1_000_000_000;

/**
 * Serves and sends metrics where they are asked for, and returns the parts that tell them.
 * Throws: what the system says of the port.
 */
export async function startMetrics(
  parts: PipelineParts,
  { telemetry }: Config,
  deps: MetricDeps,
): Promise<PipelineParts> {
  const { enabled, host, port, path, otlp } = telemetry.metrics;
  if (!enabled && !otlp.enabled) return parts;
  const { log, opened } = deps;
  const metrics = new GatewayMetrics({
    ...sourcesOf(deps),
    tightened: () => parts.limiter?.behaviour?.tightened ?? 0,
    limitChanges: () => parts.limiter?.behaviour?.changes() ?? [],
  });
  if (enabled) {
    const server = await startMetricsServer({ host, port, path, render: () => metrics.render() });
    opened.defer(() => server.close());
    log.info('metrics', { url: server.url });
  }
  if (otlp.enabled) startPush(metrics, telemetry, deps);
  return observeParts(parts, metrics);
}

function sourcesOf({
  audit,
  identifier,
  graphs,
  tracer,
  sinks,
  incidents,
  running,
  opened,
  ready,
}: MetricDeps): Omit<MetricSources, 'tightened' | 'limitChanges'> {
  const loop = monitorEventLoopDelay();
  loop.enable();
  opened.defer(() => void loop.disable());
  const compiler = () => graphs.current?.compiler.counts ?? { compiled: 0, refused: 0, pending: 0 };
  return {
    auditHealthy: () => audit.healthy(),
    auditDropped: () => audit.dropped,
    loopDelay: () => {
      const seconds = loop.mean / NANO;
      loop.reset();
      return Number.isFinite(seconds) ? seconds : 0;
    },
    memory: () => process.memoryUsage(),
    ...{ ready, sinks },
    incidents: incidents.all,
    connections: () => connectionReadings(graphs.current),
    databaseConnections: () =>
      Object.entries(running.connections() ?? {}).map(([state, count]): Reading => [[state], count]),
    queues: () => [
      [['audit'], audit.waiting],
      [['compile'], compiler().pending],
      [['verify'], identifier.counts.verifying],
      [['traces'], tracer.spans().waiting],
    ],
    caches: () => [
      [['operations'], compiler().compiled],
      [['refused_operations'], compiler().refused],
      [['tokens'], identifier.counts.tokens],
    ],
    spansDropped: () => tracer.spans().dropped,
  };
}

/** Connections to subgraphs, by host and state. */
function connectionReadings(graph: Graph | null): Reading[] {
  return (graph?.executor.connections?.() ?? []).flatMap(({ host, busy, idle, waiting }): Reading[] => [
    [[host, 'busy'], busy],
    [[host, 'idle'], idle],
    [[host, 'waiting'], waiting],
  ]);
}

function startPush(
  metrics: GatewayMetrics,
  { otlp, metrics: options }: Config['telemetry'],
  { clock, log, opened }: MetricDeps,
): void {
  const version = packageVersion();
  const resource = resourceOf({ name: 'portcullis', version, instanceId: randomUUID() });
  const startedMs = clock.now();
  const push = new MetricPushSink({
    client: new OtlpClient({ ...otlp, url: otlp.url ?? '' }),
    encode: () => metricsExport(metrics.all, { resource, version, startedMs, nowMs: clock.now() }),
    intervalMs: options.otlp.intervalMs,
    onFault: (fault) => log.warn('metrics cannot be sent', describeError(fault)),
  });
  opened.defer(() => push.close());
}
