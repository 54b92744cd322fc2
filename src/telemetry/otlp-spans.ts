import { attributesOf, nanoseconds, type resourceOf } from './otlp-value.ts';
import type { RequestTrace, Span } from './request-trace.ts';

/** Source: opentelemetry-proto, trace/v1/trace.proto. */
const STATUS_ERROR = 2;
const US_PER_MS = 1000;

/** Traces as the body of one export. Source: opentelemetry-proto, collector/trace/v1. */
export function spansExport(
  traces: readonly RequestTrace[],
  from: { readonly resource: ReturnType<typeof resourceOf>; readonly version: string },
): string {
  const spans = traces.flatMap((trace) => trace.spans.map((span) => spanOf(trace, span)));
  const scopeSpans = [{ scope: { name: 'portcullis', version: from.version }, spans }];
  return JSON.stringify({ resourceSpans: [{ resource: from.resource, scopeSpans }] });
}

function spanOf(
  { context, startedMs, startedUs: zeroUs }: RequestTrace,
  { name, kind, spanId, parentSpanId, startedUs, endedUs, attributes, isFault, links }: Span,
) {
  const at = (us: number) => nanoseconds(startedMs + (us - zeroUs) / US_PER_MS);
  return {
    ...{ traceId: context.traceId, spanId },
    ...(parentSpanId === null ? {} : { parentSpanId }),
    ...{ name, kind, startTimeUnixNano: at(startedUs), endTimeUnixNano: at(endedUs) },
    attributes: attributesOf(attributes),
    ...(links.length === 0
      ? {}
      : { links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })) }),
    ...(isFault ? { status: { code: STATUS_ERROR } } : {}),
  };
}
