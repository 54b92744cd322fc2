import { GatewayError } from '../../errors.ts';
import { SIGNATURE_HEADER, signatureHeader } from '../../webhook-signature.ts';
import type { EventSink, ShippedEvent } from './shipped-event.ts';
import type { LineWriter } from './shipped-line.ts';

export interface WebhookEventSinkOptions {
  readonly url: string;
  /** Keys the signature of each call. */
  readonly secret: string;
  /** Sent along with each call, such as a token of the receiver. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly writeLine: LineWriter;
  /** Units: milliseconds since the epoch. */
  now(): number;
}

/** Posts events as lines of JSON, signed; who gets a batch twice tells by its delivery id or by run and `seq`. */
export class WebhookEventSink implements EventSink {
  readonly #options: WebhookEventSinkOptions;

  constructor(options: WebhookEventSinkOptions) {
    this.#options = options;
  }

  async deliver(events: readonly ShippedEvent[], signal: AbortSignal): Promise<void> {
    const { url, secret, headers, timeoutMs, writeLine, now } = this.#options;
    const [first] = events;
    if (first === undefined) return;
    const body = events.map((event) => `${writeLine(event)}\n`).join('');
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/x-ndjson',
        'x-portcullis-delivery': `${first.run}:${first.seq}-${events.at(-1)?.seq ?? first.seq}`,
        [SIGNATURE_HEADER]: signatureHeader(secret, now(), body),
      },
      body,
      // Where it leads is not what was configured.
      redirect: 'error',
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), signal]),
    }).catch((cause: unknown) => {
      throw notTaken(url, 'no answer', cause);
    });
    await response.body?.cancel();
    if (!response.ok) throw notTaken(url, `status ${response.status}`);
  }

  async close(): Promise<void> {
    // Each call is one connection of the shared pool: nothing is held.
  }
}

function notTaken(url: string, reason: string, cause?: unknown): GatewayError {
  const details = [{ message: `${new URL(url).host} did not take audit events: ${reason}` }];
  return new GatewayError('DOWNSTREAM_SERVICE_ERROR', { cause, details });
}
