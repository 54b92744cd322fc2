import type { OtlpClient } from './otlp-client.ts';

export interface MetricPushOptions {
  readonly client: Pick<OtlpClient, 'send'>;
  /** The body of one export. */
  encode(): string;
  readonly intervalMs: number;
  /** Told of the first failure of a row. Must not throw. */
  onFault(fault: unknown): void;
}

/** Sends all metrics from time to time; what they say is counted from the start, so that an export that is lost costs nothing. */
export class MetricPushSink {
  readonly #options: MetricPushOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #stop = new AbortController();
  #pushing: Promise<void> | null = null;
  #isFailing = false;

  constructor(options: MetricPushOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.push(), options.intervalMs).unref();
  }

  /** One export at a time. Never rejects. */
  push(): Promise<void> {
    this.#pushing ??= this.#push().finally(() => {
      this.#pushing = null;
    });
    return this.#pushing;
  }

  /** Sends once more what was counted since, for as long as one call may take. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#pushing;
    await this.push();
    this.#stop.abort();
  }

  async #push(): Promise<void> {
    const { client, encode, onFault } = this.#options;
    try {
      await client.send('metrics', encode(), this.#stop.signal);
      this.#isFailing = false;
    } catch (fault) {
      if (!this.#isFailing) onFault(fault);
      this.#isFailing = true;
    }
  }
}
