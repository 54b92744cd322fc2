import { randomInt, randomUUID } from 'node:crypto';
import { leftLogs, placeOf } from '../audit/left-logs-store.ts';
import { AuditShipper } from '../audit/shipping/audit-shipper.ts';
import { LogSource } from '../audit/shipping/log-source.ts';
import { OtlpEventSink } from '../audit/shipping/otlp-event-sink.ts';
import type { EventSink } from '../audit/shipping/shipped-event.ts';
import { lineWriter } from '../audit/shipping/shipped-line.ts';
import { StreamEventSink } from '../audit/shipping/stream-event-sink.ts';
import { WebhookEventSink } from '../audit/shipping/webhook-event-sink.ts';
import type { Clock } from '../clock.ts';
import { packageVersion } from '../commands/package-root.ts';
import type { Config } from '../config/config.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import { GatewayError } from '../errors.ts';
import { describeError, type Log } from '../telemetry/log-sink.ts';
import { OtlpClient } from '../telemetry/otlp-client.ts';
import { resourceOf } from '../telemetry/otlp-value.ts';
import type { SinkReading } from '../telemetry/sink-metrics.ts';

type SinkConfig = Config['audit']['sinks'][number];

interface SinkDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Which of several workers this process is. */
  readonly worker?: number;
  /** Null where there is none, and so no index. */
  readonly control: Pick<ControlPlane, 'auditIndex'> | null;
}

const RANDOM_MAX = 1_000_000;
const TIMEOUT_MS = 10_000;
const RETENTION_DAYS = 365;
/** How often old events are looked for; reason: retention counts in days. */
const FORGET_MS = 3_600_000;

/**
 * Starts to ship the log of this process, and logs that nobody writes to any more, to all sinks that are configured; tells how
 * they are doing.
 */
export function startAuditSinks(
  config: Config,
  deps: SinkDeps,
  opened: AsyncDisposableStack,
): () => readonly SinkReading[] {
  const { audit } = config;
  const place = placeOf(config, deps.worker);
  const shippers = audit.sinks.map((options) => {
    const name = options.name ?? options.type;
    const { clock, log } = deps;
    const known = new Map<string, LogSource>();
    const shipper = new AuditShipper({
      name,
      sink: createSink(options, deps, opened),
      logs: async () =>
        [audit.directory, ...(await leftLogs(audit.directory, place))].map((directory) =>
          sourceOf(known, directory, name),
        ),
      now: clock.now,
      random: () => randomInt(RANDOM_MAX) / RANDOM_MAX,
      onFailure: (fault, failures) =>
        log.error('audit sink fault', { sink: name, failures, ...describeError(fault) }),
      onRecovered: () => log.info('audit sink recovered', { sink: name }),
      limits: { pollMs: audit.shipPollMs },
    });
    opened.defer(() => shipper.close());
    shipper.start();
    return shipper;
  });
  return () => shippers.map(sinkReading);
}

function sinkReading({ name, counts, lag }: AuditShipper): SinkReading {
  return { name, ...counts, behindBytes: lag.bytes, behindSeconds: lag.seconds };
}

function sourceOf(known: Map<string, LogSource>, directory: string, sink: string): LogSource {
  const source = known.get(directory) ?? new LogSource(directory, sink);
  known.set(directory, source);
  return source;
}

function createSink(options: SinkConfig, deps: SinkDeps, opened: AsyncDisposableStack): EventSink {
  const version = packageVersion();
  const { clock, log } = deps;
  const { url = '', secret = '', headers = {}, timeoutMs = TIMEOUT_MS, format = 'ndjson' } = options;
  switch (options.type) {
    case 'database':
      return createIndexSink(options, deps, opened);
    case 'webhook':
      return new WebhookEventSink({
        ...{ url, secret, headers, timeoutMs, now: clock.now },
        writeLine: lineWriter(format, { version }),
      });
    case 'otlp':
      return new OtlpEventSink({
        client: new OtlpClient({ url, headers, timeoutMs }),
        resource: resourceOf({ name: 'portcullis', version, instanceId: randomUUID() }),
        ...{ version, now: clock.now },
        onRejected: (events) =>
          log.error('an audit sink refused events for good; the log has them', { events }),
      });
    case 'stdout':
      return new StreamEventSink(process.stdout, lineWriter(format, { version }));
  }
}

function createIndexSink(
  { retentionDays = RETENTION_DAYS }: SinkConfig,
  { control, clock, log }: SinkDeps,
  opened: AsyncDisposableStack,
): EventSink {
  const index = control?.auditIndex;
  if (index === undefined) throw new GatewayError('CONTROL_PLANE_UNAVAILABLE');
  const forget = async (): Promise<void> => {
    try {
      const events = await index.forget(clock.now(), retentionDays);
      if (events > 0) log.info('old audit events were taken from the index', { events });
    } catch (fault) {
      log.warn('old audit events could not be taken from the index', describeError(fault));
    }
  };
  const timer = setInterval(() => void forget(), FORGET_MS).unref();
  opened.defer(() => clearInterval(timer));
  return { deliver: (events) => index.write(events), close: async () => undefined };
}
