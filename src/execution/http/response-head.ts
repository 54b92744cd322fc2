import { readFieldLine } from '../../field-line.ts';

/** What the head of an answer says of what follows it. */
export interface ResponseHead {
  readonly status: number;
  /** Bytes of the body where they are told; otherwise how its end is. */
  readonly body: number | 'chunked' | 'untilClose';
  /** Whether the connection may be used again. */
  readonly keepAlive: boolean;
  /** How long the peer keeps an idle connection; null where it does not say. */
  readonly idleMs: number | null;
  /** All of it, as it was read. */
  readonly text: string;
}

/** Version, status, and any reason phrase (RFC 9112, section 4). */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5][0-9]{2})(?: [\t -~\x80-\xff]*)?$/;
/** Beyond this, numbers are not exact any more; no body is that long. */
const LENGTH = /^[0-9]{1,15}$/;
const IDLE = /(?:^|[,;\s])timeout=([0-9]{1,9})(?:$|[,;\s])/i;

/** Ends the last line of a head, and an empty one. */
export const HEAD_END = '\r\n\r\n';

type Framing = 'content-length' | 'transfer-encoding';

/** What the fields seen so far say. */
interface Fields {
  length: number | null;
  chunked: boolean;
  close: boolean;
  idleMs: number | null;
}

/**
 * Reads the head of an answer, without the empty line that ends it; null where anything in it is not exactly as the
 * specification has it, or where its length could be read in two ways.
 * Source: RFC 9112, sections 4 to 6; the threat is an answer whose end the peer and we see in different places.
 */
export function readResponseHead(text: string): ResponseHead | null {
  const lines = text.split('\r\n');
  const start = STATUS_LINE.exec(lines[0] ?? '');
  if (start === null) return null;
  const [, minor, code] = start;
  const fields: Fields = { length: null, chunked: false, close: minor === '0', idleMs: null };
  for (let index = 1; index < lines.length; index += 1) {
    if (!takeField(lines[index] ?? '', fields)) return null;
  }
  const { length, chunked, close, idleMs } = fields;
  // A peer of the older version does not know chunks, and two framings are one too many.
  if (chunked && (minor === '0' || length !== null)) return null;
  const status = Number(code);
  const body = isBodiless(status) ? 0 : chunked ? 'chunked' : (length ?? 'untilClose');
  return { status, body, keepAlive: !close && body !== 'untilClose', idleMs, text };
}

/** The length in a head whose body has one; digits to the end of the value, since it was read. */
const TOLD_LENGTH = /\r\ncontent-length:[\t ]*([0-9]+)/i;
const LENGTH_DIGITS_MAX = 15;
const [DIGIT_0, DIGIT_9] = [0x30, 0x39];

/** What stands around the length in a head. */
interface Frame {
  readonly before: string;
  readonly after: string;
}

/** The heads of one connection: a peer says the same for all answers of a second, but for their length. */
export class ResponseHeads {
  /** Of the head before, the empty line that ends it included. */
  #text = '';
  #head: ResponseHead | null = null;
  /** Null where it tells no length that its body has. */
  #frame: Frame | null = null;

  /**
   * Where a head that begins there ends, its empty line included, if it is that before or differs by its length alone; it is
   * the last one then. -1 where it is neither.
   */
  knownEnd(bytes: Buffer, at: number): number {
    const { length } = this.#text;
    if (length > 0 && bytes.toString('latin1', at, at + length) === this.#text) return at + length;
    return this.#frame === null || this.#head === null ? -1 : this.#framedEnd(bytes, at, this.#frame);
  }

  /** Reads a head with the empty line that ends it. As `readResponseHead`. */
  read(text: string): ResponseHead | null {
    if (text === this.#text) return this.#head;
    this.#head = readResponseHead(text.slice(0, -HEAD_END.length));
    this.#text = text;
    this.#frame = typeof this.#head?.body === 'number' ? frameOf(text, this.#head) : null;
    return this.#head;
  }

  /** The head that was read last. */
  get last(): ResponseHead | null {
    return this.#head;
  }

  #framedEnd(bytes: Buffer, at: number, { before, after }: Frame): number {
    const from = at + before.length;
    let to = from;
    while (to - from < LENGTH_DIGITS_MAX && isDigit(bytes[to])) to += 1;
    const end = to + after.length;
    // Behind the most digits there are, another one is no part of what stands behind the length.
    if (to === from || bytes.toString('latin1', to, end) !== after) return -1;
    if (bytes.toString('latin1', at, from) !== before) return -1;
    const length = bytes.toString('latin1', from, to);
    this.#text = `${before}${length}${after}`;
    this.#head = {
      ...(this.#head as ResponseHead),
      body: Number(length),
      text: this.#text.slice(0, -HEAD_END.length),
    };
    return end;
  }
}

function frameOf(text: string, { status }: ResponseHead): Frame | null {
  const told = isBodiless(status) ? null : TOLD_LENGTH.exec(text);
  if (told === null) return null;
  const end = told.index + told[0].length;
  return { before: text.slice(0, end - (told[1] ?? '').length), after: text.slice(end) };
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= DIGIT_0 && byte <= DIGIT_9;
}

function isBodiless(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}

/** False where the line is no field, or one that must not be there. */
function takeField(line: string, fields: Fields): boolean {
  const field = readFieldLine(line);
  if (field === null) return false;
  const { name, value } = field;
  switch (name) {
    case 'content-length':
    case 'transfer-encoding':
      return takeFraming(name, value, fields);
    case 'connection':
      fields.close ||= value.split(',').some((option) => option.trim().toLowerCase() === 'close');
      return true;
    case 'keep-alive': {
      const seconds = IDLE.exec(value)?.[1];
      if (seconds !== undefined) fields.idleMs = Number(seconds) * 1000;
      return true;
    }
    default:
      return true;
  }
}

/** Each framing at most once, and only in the one form that cannot be read in two ways. */
function takeFraming(name: Framing, value: string, fields: Fields): boolean {
  if (name === 'content-length') {
    if (fields.length !== null || !LENGTH.test(value)) return false;
    fields.length = Number(value);
    return true;
  }
  if (fields.chunked || value.toLowerCase() !== 'chunked') return false;
  fields.chunked = true;
  return true;
}

/** Whether each line of a text is a field. */
export function areFields(text: string): boolean {
  return text.split('\r\n').every((line) => readFieldLine(line) !== null);
}
