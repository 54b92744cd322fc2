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
  let text = '';
  let event = new OpenEvent(eventBytesMax);
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true });
    // A line feed may still follow a carriage return at the very end.
    const lines = text.split(text.endsWith('\r') ? /\r\n|\n|\r(?!$)/u : /\r\n|\n|\r/u);
    text = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') {
        event.add(line);
        continue;
      }
      if (event.started) yield event.value();
      event = new OpenEvent(eventBytesMax);
    }
    event.hold(text.length);
  }
  if (text === '\r' && event.started) yield event.value();
}

/** An event whose end has not come yet. */
class OpenEvent {
  started = false;
  readonly #bytesMax: number;
  readonly #data: string[] = [];
  #type = 'message';
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  add(line: string): void {
    this.#length += line.length + 1;
    this.hold(0);
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const rest = colon === -1 ? '' : line.slice(colon + 1);
    const value = rest.startsWith(' ') ? rest.slice(1) : rest;
    if (field === 'event') this.#type = value;
    else if (field === 'data') this.#data.push(value);
    if (field === 'event' || field === 'data') this.started = true;
  }

  /** Refuses more than the bound, `further` characters of an unfinished line included. A character is at least a byte. */
  hold(further: number): void {
    if (this.#length + further <= this.#bytesMax) return;
    throw new GatewayError('DOWNSTREAM_SERVICE_ERROR', {
      cause: new RangeError('An event of the subgraph is larger than allowed.'),
    });
  }

  value(): StreamEvent {
    return { type: this.#type, data: this.#data.join('\n') };
  }
}
