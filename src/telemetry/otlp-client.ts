import { GatewayError } from '../errors.ts';

/** Where OpenTelemetry is taken by HTTP. */
export interface OtlpEndpoint {
  /** Base of the three paths, such as `http://127.0.0.1:4318`. */
  readonly url: string;
  /** Sent along with each call, such as a token of the collector. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export type OtlpSignal = 'logs' | 'traces' | 'metrics';

/** What the collector's answer says it left out. Source: OTLP specification 1.5, partial success. */
const REJECTED: Readonly<Record<OtlpSignal, string>> = {
  logs: 'rejectedLogRecords',
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
};
const ANSWER_BYTES_MAX = 65_536;

/** Posts one signal in the JSON encoding of OTLP. Source: OTLP specification 1.5, OTLP/HTTP. */
export class OtlpClient {
  readonly #endpoint: OtlpEndpoint;

  constructor(endpoint: OtlpEndpoint) {
    this.#endpoint = endpoint;
  }

  /**
   * Resolves to how many entries the collector refused for good; it must not be sent those again.
   * Throws: DOWNSTREAM_SERVICE_ERROR where it did not take them.
   */
  async send(signal: OtlpSignal, body: string, abort: AbortSignal): Promise<number> {
    const { url, headers, timeoutMs } = this.#endpoint;
    const response = await fetch(`${url.replace(/\/+$/u, '')}/v1/${signal}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body,
      // Where it leads is not what was configured.
      redirect: 'error',
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), abort]),
    }).catch((cause: unknown) => {
      throw notTaken('no answer', cause);
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw notTaken(`status ${response.status}`);
    }
    return rejectedIn(await boundedText(response), signal);
  }
}

function notTaken(reason: string, cause?: unknown): GatewayError {
  const details = [{ message: `the OTLP receiver did not take it: ${reason}` }];
  return new GatewayError('DOWNSTREAM_SERVICE_ERROR', { cause, details });
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    // More than a receiver has to say: the rest is not read.
    if (text.length > ANSWER_BYTES_MAX) return '';
  }
  return text;
}

/** An answer that is no JSON says nothing of a part that was refused. */
function rejectedIn(text: string, signal: OtlpSignal): number {
  try {
    const { partialSuccess } = JSON.parse(text) as { partialSuccess?: Record<string, unknown> };
    // 64-bit numbers are text in the JSON of protocol buffers.
    const rejected = Number(partialSuccess?.[REJECTED[signal]] ?? 0);
    return Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0;
  } catch {
    return 0;
  }
}
