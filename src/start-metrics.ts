import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FileAuditSink } from './audit/audit-file-sink.ts';
import type { Config } from './config/config.ts';
import { observeParts } from './observe-parts.ts';
import type { PipelineParts } from './pipeline.ts';
import { GatewayMetrics, type MetricSources } from './telemetry/gateway-metrics.ts';
import type { Log } from './telemetry/log-sink.ts';
import { startMetricsServer } from './telemetry/metrics-server.ts';

const NANO = 1_000_000_000;

/** Serves metrics where they are asked for, and returns the parts that tell them. Throws: what the system says of the port. */
export async function startMetrics(
  parts: PipelineParts,
  { telemetry: { metrics: options } }: Config,
  deps: {
    readonly audit: FileAuditSink;
    readonly log: Log;
    readonly opened: AsyncDisposableStack;
    ready(): boolean;
    readonly sinks: MetricSources['sinks'];
  },
): Promise<PipelineParts> {
  if (!options.enabled) return parts;
  const { audit, log, opened, ready, sinks } = deps;
  const loop = monitorEventLoopDelay();
  loop.enable();
  opened.defer(() => void loop.disable());
  const metrics = new GatewayMetrics({
    auditHealthy: () => audit.healthy(),
    auditDropped: () => audit.dropped,
    loopDelay: () => {
      const seconds = loop.mean / NANO;
      loop.reset();
      return Number.isFinite(seconds) ? seconds : 0;
    },
    memory: () => process.memoryUsage(),
    ready,
    sinks,
  });
  const { host, port, path } = options;
  const server = await startMetricsServer({ host, port, path, render: () => metrics.render() });
  opened.defer(() => server.close());
  log.info('metrics', { url: server.url });
  return observeParts(parts, metrics);
}
