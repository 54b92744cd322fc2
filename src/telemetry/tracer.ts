import { AsyncLocalStorage } from 'node:async_hooks';
import type { AuditEvent } from '../audit/event.ts';
import type { Clock } from '../clock.ts';
import type { FetchSpan, FetchTracing } from '../execution/fetch-tracing.ts';
import { RequestTrace } from './request-trace.ts';
import { faultCode, type StageObserver, type StageTime } from './stage-observer.ts';
import { formatTraceparent, parseTraceparent, parseTracestate, type SpanContext } from './trace-context.ts';

export interface TracerOptions {
  readonly clock: Clock;
  /** Null where only times are told to clients. */
  readonly traces: {
    /** From 0 up to 1: share of requests that are traced. */
    readonly ratio: number;
    /** Whether a caller that sends a trace decides for its requests. */
    readonly followsParent: boolean;
    /** Takes what is known of a request once it is over. */
    push(trace: RequestTrace): void;
  } | null;
  /** From 0 up to 1. */
  random(): number;
  /** Random bytes in lower-case hexadecimal. */
  randomHex(bytes: number): string;
}

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

/** A request as far as a trace may see it. */
interface TracedRequest {
  readonly id: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/**
 * Follows each request through its stages and calls.
 * Invariant: what a client sends decides about ids of the trace at most; about sampling, and what is told on, only where it is trusted.
 */
export class Tracer implements FetchTracing, StageObserver {
  readonly #options: TracerOptions;
  readonly #current = new AsyncLocalStorage<RequestTrace>();

  constructor(options: TracerOptions) {
    this.#options = options;
  }

  /** Id of the trace of the request that runs now, where it is one that is exported. */
  get traceId(): string | null {
    const context = this.#current.getStore()?.context;
    return context?.isSampled === true ? context.traceId : null;
  }

  /** Runs a request; what is told in its course belongs to it. */
  async run<T>(request: TracedRequest, work: (trace: RequestTrace) => Promise<T>): Promise<T> {
    const trace = this.#begin(request);
    try {
      return await this.#current.run(trace, work, trace);
    } finally {
      if (trace.context.isSampled) this.#end(trace);
    }
  }

  took({ stage, startedUs, endedUs, fault }: StageTime): void {
    const trace = this.#current.getStore();
    if (trace === undefined) return;
    trace.stages.push({ name: stage, tookUs: endedUs - startedUs });
    if (!trace.context.isSampled) return;
    trace.add({
      ...{ name: stage, kind: 1, parentSpanId: trace.context.spanId, startedUs, endedUs, links: [] },
      spanId: stage === 'execute' ? trace.executeSpanId : this.#spanId(),
      attributes: { 'error.type': fault === undefined ? null : faultCode(fault) },
      isFault: fault !== undefined,
    });
  }

  observe(event: AuditEvent): void {
    const trace = this.#current.getStore();
    if (trace !== undefined) trace.event ??= event;
  }

  begin(subgraph: string): FetchSpan | null {
    const trace = this.#current.getStore();
    if (trace === undefined || this.#options.traces === null) return null;
    const { traceId, isSampled } = trace.context;
    return new Call(
      { traceId, isSampled, spanId: this.#spanId() },
      { subgraph, trace, clock: this.#options.clock },
    );
  }

  #begin({ id, headers }: TracedRequest): RequestTrace {
    const { clock, traces } = this.#options;
    const parent = traces === null ? null : parseTraceparent(headers['traceparent']);
    return new RequestTrace({
      context: {
        traceId: parent?.traceId ?? this.#options.randomHex(TRACE_ID_BYTES),
        spanId: this.#spanId(),
        isSampled: this.#isSampled(parent),
      },
      parentSpanId: parent?.spanId ?? null,
      // Free text: it goes on only from where headers of a trace are written by who is trusted to.
      tracestate: parent !== null && traces?.followsParent ? parseTracestate(headers['tracestate']) : null,
      executeSpanId: this.#spanId(),
      ...{ requestId: id, startedMs: clock.now(), startedUs: clock.nowUs() },
    });
  }

  #isSampled(parent: SpanContext | null): boolean {
    const { traces, random } = this.#options;
    if (traces === null) return false;
    if (traces.followsParent && parent !== null) return parent.isSampled;
    return random() < traces.ratio;
  }

  #end(trace: RequestTrace): void {
    const { event, context, parentSpanId, startedUs, requestId, left } = trace;
    trace.end({
      ...{ name: event?.operation?.type ?? 'request', kind: 2, spanId: context.spanId, parentSpanId },
      ...{ startedUs, endedUs: this.#options.clock.nowUs(), links: [] },
      attributes: {
        'portcullis.request.id': requestId,
        'graphql.operation.type': event?.operation?.type ?? null,
        'portcullis.operation.hash': event?.operation?.hash ?? null,
        'portcullis.decision': event?.decision.effect ?? null,
        'portcullis.code': event?.code ?? null,
        'portcullis.cost': event?.cost?.actual ?? null,
        'http.response.status_code': event?.status ?? null,
        'portcullis.spans.left': left === 0 ? null : left,
      },
      isFault: (event?.status ?? 0) >= 500,
    });
    this.#options.traces?.push(trace);
  }

  #spanId(): string {
    return this.#options.randomHex(SPAN_ID_BYTES);
  }
}

interface CallParts {
  readonly subgraph: string;
  readonly trace: RequestTrace;
  readonly clock: Clock;
}

/** A call to a subgraph, or the wait for another's. */
class Call implements FetchSpan {
  readonly traceparent: string;
  readonly tracestate: string | null;
  readonly #context: SpanContext;
  readonly #parts: CallParts;
  readonly #startedUs: number;
  readonly #links: SpanContext[] = [];

  constructor(context: SpanContext, parts: CallParts) {
    this.#context = context;
    this.#parts = parts;
    this.#startedUs = parts.clock.nowUs();
    this.traceparent = formatTraceparent(context);
    this.tracestate = parts.trace.tracestate;
  }

  joined(leader: FetchSpan): void {
    const context = parseTraceparent(leader.traceparent);
    if (context !== null) this.#links.push(context);
  }

  end(status: number, fault: string | null): void {
    const { subgraph, trace, clock } = this.#parts;
    if (!this.#context.isSampled) return;
    trace.add({
      ...{ name: `fetch ${subgraph}`, kind: 3, spanId: this.#context.spanId },
      parentSpanId: trace.executeSpanId,
      ...{ startedUs: this.#startedUs, endedUs: clock.nowUs(), links: this.#links },
      attributes: {
        'portcullis.subgraph': subgraph,
        'portcullis.shared': this.#links.length > 0,
        'http.request.method': 'POST',
        'http.response.status_code': status === 0 ? null : status,
        'error.type': fault,
      },
      isFault: fault !== null,
    });
  }
}
