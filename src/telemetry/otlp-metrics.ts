import type { Metric, MetricPoint } from './metrics.ts';
import { attributesOf, nanoseconds, type resourceOf } from './otlp-value.ts';

/** Source: opentelemetry-proto, metrics/v1/metrics.proto: what a point says is counted from the start. */
const CUMULATIVE = 2;

/** Metrics as the body of one export. Source: opentelemetry-proto, collector/metrics/v1. Units: milliseconds since the epoch. */
export function metricsExport(
  metrics: readonly Metric[],
  from: {
    readonly resource: ReturnType<typeof resourceOf>;
    readonly version: string;
    readonly startedMs: number;
    readonly nowMs: number;
  },
): string {
  const span = { startTimeUnixNano: nanoseconds(from.startedMs), timeUnixNano: nanoseconds(from.nowMs) };
  const told = metrics.flatMap((metric) => {
    const points = metric.points();
    return points.length === 0 ? [] : [metricOf(metric, points, span)];
  });
  const scopeMetrics = [{ scope: { name: 'portcullis', version: from.version }, metrics: told }];
  return JSON.stringify({ resourceMetrics: [{ resource: from.resource, scopeMetrics }] });
}

type Span = { readonly startTimeUnixNano: string; readonly timeUnixNano: string };

function metricOf({ name, help, type }: Metric, points: readonly MetricPoint[], span: Span) {
  const dataPoints = points.map((point) => ({ ...span, ...pointOf(point) }));
  const described = { name, description: help };
  switch (type) {
    case 'counter':
      return { ...described, sum: { dataPoints, aggregationTemporality: CUMULATIVE, isMonotonic: true } };
    case 'gauge':
      return { ...described, gauge: { dataPoints } };
    case 'histogram':
      return { ...described, histogram: { dataPoints, aggregationTemporality: CUMULATIVE } };
  }
}

function pointOf(point: MetricPoint) {
  const attributes = attributesOf(point.labels);
  if (!('counts' in point)) return { attributes, asDouble: point.value };
  const { counts, bounds, sum } = point;
  return {
    ...{ attributes, sum, count: String(counts.reduce((total, each) => total + each, 0)) },
    bucketCounts: counts.map(String),
    explicitBounds: bounds,
  };
}
