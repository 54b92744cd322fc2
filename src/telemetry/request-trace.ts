import type { AuditEvent } from '../audit/event.ts';
import type { Plain } from './otlp-value.ts';
import type { SpanContext } from './trace-context.ts';

/** One piece of work in a trace. Units: microseconds of the request's own clock. */
export interface Span {
  readonly name: string;
  /** Source: opentelemetry-proto, trace/v1/trace.proto: internal 1, server 2, client 3. */
  readonly kind: 1 | 2 | 3;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly startedUs: number;
  readonly endedUs: number;
  readonly attributes: Readonly<Record<string, Plain | null>>;
  readonly isFault: boolean;
  readonly links: readonly SpanContext[];
}

/** Spans of one request; reason: as many as a plan of many fetches has. */
const SPANS_MAX = 256;

/** What is known of one request while it runs. Invariant: it grows up to a bound, and holds no text but names. */
export class RequestTrace {
  readonly context: SpanContext;
  /** The span of the caller; null where there is none. */
  readonly parentSpanId: string | null;
  /** What tracing systems before this one pass on to subgraphs; null where there is nothing. */
  readonly tracestate: string | null;
  /** Span under which calls to subgraphs stand. */
  readonly executeSpanId: string;
  readonly requestId: string;
  /** Units: milliseconds since the epoch, at `startedUs`. */
  readonly startedMs: number;
  readonly startedUs: number;
  readonly spans: Span[] = [];
  readonly stages: { readonly name: string; readonly tookUs: number }[] = [];
  event: AuditEvent | null = null;
  left = 0;
  #isOver = false;

  constructor(part: {
    readonly context: SpanContext;
    readonly parentSpanId: string | null;
    readonly tracestate: string | null;
    readonly executeSpanId: string;
    readonly requestId: string;
    readonly startedMs: number;
    readonly startedUs: number;
  }) {
    this.context = part.context;
    this.parentSpanId = part.parentSpanId;
    this.tracestate = part.tracestate;
    this.executeSpanId = part.executeSpanId;
    this.requestId = part.requestId;
    this.startedMs = part.startedMs;
    this.startedUs = part.startedUs;
  }

  /** What ends after the request itself, such as a call that it left, is no more part of it. */
  add(span: Span): void {
    if (this.#isOver) return;
    if (this.spans.length < SPANS_MAX) this.spans.push(span);
    else this.left += 1;
  }

  /** Takes the span of the request itself, which has a place beyond the bound, and no more from then on. */
  end(span: Span): void {
    this.spans.push(span);
    this.#isOver = true;
  }
}
