import type { OtlpClient } from '../../telemetry/otlp-client.ts';
import { attributesOf, nanoseconds, type resourceOf } from '../../telemetry/otlp-value.ts';
import type { EventSink, ShippedEvent } from './shipped-event.ts';

export interface OtlpEventSinkOptions {
  readonly client: Pick<OtlpClient, 'send'>;
  readonly resource: ReturnType<typeof resourceOf>;
  readonly version: string;
  /** Units: milliseconds since the epoch. */
  now(): number;
  /** Told how many the collector refused for good: the log has them, it does not. */
  onRejected(count: number): void;
}

/** Source: opentelemetry-proto, logs/v1/logs.proto. */
const SEVERITY = {
  INFO: { severityNumber: 9, severityText: 'INFO' },
  WARN: { severityNumber: 13, severityText: 'WARN' },
  FATAL: { severityNumber: 21, severityText: 'FATAL' },
} as const;

/** Sends events as log records of OpenTelemetry; `portcullis.run` and `portcullis.seq` name each of them. */
export class OtlpEventSink implements EventSink {
  readonly #options: OtlpEventSinkOptions;

  constructor(options: OtlpEventSinkOptions) {
    this.#options = options;
  }

  async deliver(events: readonly ShippedEvent[], signal: AbortSignal): Promise<void> {
    const { client, resource, version, now, onRejected } = this.#options;
    const observed = nanoseconds(now());
    const logRecords = events.map((event) => ({ ...logRecord(event), observedTimeUnixNano: observed }));
    const scopeLogs = [{ scope: { name: 'portcullis.audit', version }, logRecords }];
    const rejected = await client.send(
      'logs',
      JSON.stringify({ resourceLogs: [{ resource, scopeLogs }] }),
      signal,
    );
    if (rejected > 0) onRejected(rejected);
  }

  async close(): Promise<void> {
    // Each call is one connection of the shared pool: nothing is held.
  }
}

/** The body is the event as it leaves the log. */
function logRecord({ run, seq, line, event }: ShippedEvent) {
  const { principal, operation, decision, code } = event;
  const isRefused = code !== null || decision.reasons.length > 0;
  const severity = event.severity === 'critical' ? 'FATAL' : isRefused ? 'WARN' : 'INFO';
  return {
    timeUnixNano: nanoseconds(Date.parse(event.time)),
    ...SEVERITY[severity],
    body: { stringValue: line },
    attributes: attributesOf({
      'event.name': 'portcullis.audit',
      'portcullis.run': run,
      'portcullis.seq': seq,
      'portcullis.request.id': event.requestId,
      'portcullis.decision': decision.effect,
      'portcullis.code': code,
      'portcullis.tenant': principal?.tenant ?? null,
      'portcullis.application': principal?.application ?? null,
      'enduser.id': principal?.subject ?? null,
      'graphql.operation.type': operation?.type ?? null,
      'graphql.operation.name': operation?.name ?? null,
      'portcullis.operation.hash': operation?.hash ?? null,
      'client.address': event.remoteAddress,
      'http.response.status_code': event.status,
    }),
  };
}
