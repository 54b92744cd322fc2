import { GatewayError } from '../../errors.ts';

/** One event of a server-sent event stream. */
export interface StreamEvent {
  /** `message` where the stream names none. */
  readonly type: string;
  readonly data: string;
}

/**
 * Reads the events of a stream as its chunks arrive. An event larger than the bound ends it.
 * Throws: DOWNSTREAM_SERVICE_ERROR.
 * Source: WHATWG HTML, 9.2.6, interpreting an event stream; events without data are told too, since `complete` has none.
 */
export async function* readEventStream(
  chunks: AsyncIterable<Uint8Array>,
  eventBytesMax: number,
): AsyncGenerator<StreamEvent, void, undefined> {
  const decoder = new TextDecoder();
  let event = new OpenEvent(eventBytesMax);
  // The line that has not ended yet. It grows by appending: a long one is not searched again with each chunk.
  let open = '';
  let openBytes = 0;
  let endsInReturn = false;
  for await (const chunk of chunks) {
    const decoded = decoder.decode(chunk, { stream: true });
    // The second half of a line end whose first half ended the chunk before.
    const part = endsInReturn && decoded.startsWith('\n') ? decoded.slice(1) : decoded;
    if (decoded !== '') endsInReturn = decoded.endsWith('\r');
    const [first = '', ...others] = part.split(/\r\n|\n|\r/u);
    open += first;
    openBytes += chunk.length;
    for (const next of others) {
      if (open !== '') event.add(open);
      else {
        if (event.started) yield event.value();
        event = new OpenEvent(eventBytesMax);
      }
      open = next;
      openBytes = Buffer.byteLength(next);
    }
    event.hold(openBytes);
  }
}

/** An event whose end has not come yet. */
class OpenEvent {
  started = false;
  readonly #bytesMax: number;
  readonly #data: string[] = [];
  #type = 'message';
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  add(line: string): void {
    this.#bytes += Buffer.byteLength(line) + 1;
    this.hold(0);
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const rest = colon === -1 ? '' : line.slice(colon + 1);
    const value = rest.startsWith(' ') ? rest.slice(1) : rest;
    if (field === 'event') this.#type = value;
    else if (field === 'data') this.#data.push(value);
    if (field === 'event' || field === 'data') this.started = true;
  }

  /** Refuses more than the bound, those of an unfinished line included. */
  hold(furtherBytes: number): void {
    if (this.#bytes + furtherBytes <= this.#bytesMax) return;
    throw new GatewayError('DOWNSTREAM_SERVICE_ERROR', {
      cause: new RangeError('An event of the subgraph is larger than allowed.'),
    });
  }

  value(): StreamEvent {
    return { type: this.#type, data: this.#data.join('\n') };
  }
}
