import type { OtlpClient } from './otlp-client.ts';
import type { RequestTrace } from './request-trace.ts';

export interface SpanQueueOptions {
  readonly client: Pick<OtlpClient, 'send'>;
  /** The body of one export. */
  encode(traces: readonly RequestTrace[]): string;
  /** Spans that may wait; what no longer fits is counted. */
  readonly spansMax: number;
  /** How long traces gather before they are sent together. */
  readonly flushMs: number;
  /** Told of the first failure of a row, with how many spans were left out so far. Must not throw. */
  onFault(fault: unknown, dropped: number): void;
}

/** Spans of one export; reason: what OpenTelemetry's own exporters send at once. */
const BATCH_SPANS = 512;
const RETRY_DOUBLINGS_MAX = 4;

/**
 * Sends traces in groups, from a queue with a bound.
 * Invariant: a receiver that is down costs its traces and nothing else: no request waits, and memory does not grow.
 */
export class SpanQueueSink {
  readonly #options: SpanQueueOptions;
  readonly #stop = new AbortController();
  #traces: RequestTrace[] = [];
  #spans = 0;
  #dropped = 0;
  #failures = 0;
  #timer: NodeJS.Timeout | null = null;
  #sending: Promise<void> | null = null;

  constructor(options: SpanQueueOptions) {
    this.#options = options;
  }

  /** Spans that were left out since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Spans that wait. */
  get waiting(): number {
    return this.#spans;
  }

  push(trace: RequestTrace): void {
    const { length } = trace.spans;
    if (this.#stop.signal.aborted || this.#spans + length > this.#options.spansMax) {
      this.#dropped += length;
      return;
    }
    this.#traces.push(trace);
    this.#spans += length;
    this.#schedule();
  }

  /** Sends what waits. Never rejects. */
  flush(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = null;
      if (this.#traces.length > 0) this.#schedule();
    });
    return this.#sending;
  }

  /** Sends what waits once more, for as long as one call may take. */
  async close(): Promise<void> {
    await this.#sending;
    await this.flush();
    this.#stop.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#dropped += this.#spans;
    this.#traces = [];
    this.#spans = 0;
  }

  #schedule(): void {
    if (this.#timer !== null || this.#sending !== null || this.#stop.signal.aborted) return;
    const waitMs = this.#options.flushMs * 2 ** Math.min(this.#failures, RETRY_DOUBLINGS_MAX);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.flush();
    }, waitMs).unref();
  }

  async #send(): Promise<void> {
    while (this.#traces.length > 0) {
      const { traces, spans } = this.#batch();
      try {
        this.#dropped += await this.#options.client.send(
          'traces',
          this.#options.encode(traces),
          this.#stop.signal,
        );
        this.#failures = 0;
      } catch (fault) {
        this.#failures += 1;
        if (this.#failures === 1) this.#options.onFault(fault, this.#dropped);
        return;
      }
      this.#traces = this.#traces.slice(traces.length);
      this.#spans -= spans;
    }
  }

  #batch(): { readonly traces: readonly RequestTrace[]; readonly spans: number } {
    const traces: RequestTrace[] = [];
    let spans = 0;
    for (const trace of this.#traces) {
      if (spans > 0 && spans + trace.spans.length > BATCH_SPANS) break;
      traces.push(trace);
      spans += trace.spans.length;
    }
    return { traces, spans };
  }
}
