import type { Writable } from 'node:stream';
import type { EventSink, ShippedEvent } from './shipped-event.ts';
import type { LineWriter } from './shipped-line.ts';

/** Writes events as lines to a stream, as fast as whoever reads it takes them. */
export class StreamEventSink implements EventSink {
  readonly #stream: Writable;
  readonly #writeLine: LineWriter;

  constructor(stream: Writable, writeLine: LineWriter) {
    this.#stream = stream;
    this.#writeLine = writeLine;
  }

  deliver(events: readonly ShippedEvent[], signal: AbortSignal): Promise<void> {
    const text = events.map((event) => `${this.#writeLine(event)}\n`).join('');
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      // Called once the stream has passed it on, or why it cannot.
      this.#stream.write(text, (fault) => {
        signal.removeEventListener('abort', onAbort);
        if (fault == null) resolve();
        else reject(fault);
      });
    });
  }

  async close(): Promise<void> {
    // The stream is its owner's.
  }
}
