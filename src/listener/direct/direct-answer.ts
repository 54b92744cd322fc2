import { type PlainResponse, SECURITY_HEADERS, VARY } from '../encode-response.ts';
import type { ResponseMediaType } from '../request.ts';

/** What the head of an answer says besides what the pipeline says. */
export interface DirectFrame {
  /** What stands behind the status, which it follows from. */
  readonly reason: string;
  readonly requestId: string;
  readonly mediaType: ResponseMediaType;
  /** Units: bytes. */
  readonly length: number;
  readonly coding: string | null;
  /** Whether it depends on what its request says that it accepts. */
  readonly varies: boolean;
  /** Units: seconds that the connection is kept; null where it ends. */
  readonly keepSeconds: number | null;
}

const VALUE = /^[\t -~\x80-\xff]*$/;

const FIXED = Object.entries(SECURITY_HEADERS)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('');
const FIXED_OF_MANY = `${FIXED}vary: ${VARY}\r\n`;

/** Names that the edge sets itself; its own fields win over the pipeline's. */
const OWN: ReadonlySet<string> = new Set([
  ...Object.keys(SECURITY_HEADERS),
  ...['vary', 'content-type', 'x-request-id', 'content-length', 'content-encoding', 'date', 'connection'],
]);

/** Prints heads of answers; what is the same for all answers of a second is printed once. */
export class DirectHeads {
  #start: Start = { status: 0, mediaType: 'application/json', varies: false, text: '' };
  #end: End = { second: -1, keepSeconds: null, text: '' };

  /**
   * The head of an answer, the empty line included; the time is now. Units: milliseconds since the epoch.
   * Throws: TypeError for a value that would end its line.
   */
  print(
    { status, headers }: Pick<PlainResponse, 'status' | 'headers'>,
    frame: DirectFrame,
    nowMs: number,
  ): string {
    let head = `${this.#startOf(status, frame)}${frame.requestId}\r\n`;
    for (const name of Object.keys(headers)) {
      const value = headers[name] ?? '';
      if (OWN.has(name)) continue;
      if (!VALUE.test(value)) throw new TypeError(`The header field ${name} cannot be sent.`);
      head += `${name}: ${value}\r\n`;
    }
    if (frame.coding !== null) head += `content-encoding: ${frame.coding}\r\n`;
    return `${head}content-length: ${frame.length}${this.#endOf(frame, nowMs)}`;
  }

  /** Up to the id of the request. */
  #startOf(status: number, { reason, mediaType, varies }: DirectFrame): string {
    const known = this.#start;
    if (known.status === status && known.mediaType === mediaType && known.varies === varies)
      return known.text;
    const line = `HTTP/1.1 ${status} ${reason}\r\n`;
    const fixed = varies ? FIXED_OF_MANY : FIXED;
    const text = flat(`${line}${fixed}content-type: ${mediaType}; charset=utf-8\r\nx-request-id: `);
    this.#start = { status, mediaType, varies, text };
    return text;
  }

  /** From behind the length. */
  #endOf({ keepSeconds }: DirectFrame, nowMs: number): string {
    const known = this.#end;
    const second = Math.floor(nowMs / 1000);
    if (known.second === second && known.keepSeconds === keepSeconds) return known.text;
    const connection =
      keepSeconds === null
        ? 'connection: close'
        : `connection: keep-alive\r\nkeep-alive: timeout=${keepSeconds}`;
    const text = flat(`\r\ndate: ${new Date(nowMs).toUTCString()}\r\n${connection}\r\n\r\n`);
    this.#end = { second, keepSeconds, text };
    return text;
  }
}

interface Start extends Pick<DirectFrame, 'mediaType' | 'varies'> {
  readonly status: number;
  readonly text: string;
}

interface End extends Pick<DirectFrame, 'keepSeconds'> {
  /** Since the epoch. */
  readonly second: number;
  readonly text: string;
}

/** In one piece: what is put together from pieces is copied piece by piece each time that it is sent. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
