import { type Metric, Readings } from './metrics.ts';

/** How one sink of the audit is doing; its name comes from the configuration. */
export interface SinkReading {
  readonly name: string;
  readonly shipped: number;
  readonly failures: number;
  readonly behindBytes: number;
  readonly behindSeconds: number;
}

/** What is told of the sinks of the audit; nothing where there are none. */
export function sinkMetrics(read: () => readonly SinkReading[]): readonly Metric[] {
  const metric = (
    type: 'counter' | 'gauge',
    [name, help]: readonly [string, string],
    value: (sink: SinkReading) => number,
  ) =>
    new Readings(type, { name, help, labels: ['sink'] }, () =>
      read().map((sink) => [[sink.name], value(sink)] as const),
    );
  return [
    metric(
      'gauge',
      ['portcullis_audit_sink_lag_bytes', 'Bytes of the audit log that a sink does not have yet.'],
      ({ behindBytes }) => behindBytes,
    ),
    metric(
      'gauge',
      ['portcullis_audit_sink_lag_seconds', 'Age of the oldest event that a sink does not have yet.'],
      ({ behindSeconds }) => behindSeconds,
    ),
    metric(
      'counter',
      ['portcullis_audit_sink_events_total', 'Audit events that a sink took.'],
      ({ shipped }) => shipped,
    ),
    metric(
      'counter',
      ['portcullis_audit_sink_failures_total', 'Attempts to hand audit events to a sink that failed.'],
      ({ failures }) => failures,
    ),
  ];
}
