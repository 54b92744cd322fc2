import { Buffer } from 'node:buffer';
import { areFields, HEAD_END, type ResponseHead, type ResponseHeads } from './response-head.ts';

/** Largest head of an answer, and largest trailer; reason: Node's own default for the heads that it reads. */
export const HEAD_BYTES_MAX = 16_384;
/** Longest line that begins a chunk, its extensions included. */
export const CHUNK_LINE_BYTES_MAX = 256;
/** Interim answers before the final one; reason: one is usual, and a peer must not go on for ever. */
export const INTERIM_MAX = 4;

/** The body of an answer is larger than it may be. */
export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError';
}

/** `fault`: the peer does not speak HTTP/1.1, or sent too much; nothing of the connection can be trusted any more. */
export type ParserStatus = 'more' | 'done' | 'fault';

type State = 'head' | 'sized' | 'untilClose' | 'chunkLine' | 'chunkData' | 'chunkEnd' | 'trailer' | 'over';

const LINE_END = '\r\n';
const CHUNK_LINE = /^([0-9A-Fa-f]{1,8})(?:[\t ]*;[\t -~]*)?$/;
const NOTHING = Buffer.alloc(0);

/**
 * Reads one answer of HTTP/1.1 from the bytes of a connection, however they are cut, and holds it to a size.
 * Strict: what is not exactly as the specification has it is a fault, never a guess.
 * Invariant: keeps no reference to the bytes that it is given, so that their buffer can be used again.
 */
export class ResponseParser {
  readonly #bytesMax: number;
  readonly #heads: ResponseHeads;
  #state: State = 'head';
  #head: ResponseHead | null = null;
  #interim = 0;
  /** Bytes that do not make a whole line yet. */
  #pending: Buffer = NOTHING;
  /** What has come of the body, and room for more: pieces of a byte each would take a hundred times their size. */
  #body: Buffer = NOTHING;
  #bodyBytes = 0;
  /** Bytes still to come of a sized body or of a chunk. */
  #left = 0;
  #surplusBytes = 0;
  #text = '';
  #isTooLarge = false;

  constructor(bytesMax: number, heads: ResponseHeads) {
    this.#bytesMax = bytesMax;
    this.#heads = heads;
  }

  /** 0 before the final head is read. */
  get status(): number {
    return this.#head?.status ?? 0;
  }

  /** The final head as it was read; empty before. */
  get head(): string {
    return this.#head?.text ?? '';
  }

  /** Whether a fault was the size of the body. */
  get isTooLarge(): boolean {
    return this.#isTooLarge;
  }

  /** The body, once all is done. */
  get text(): string {
    return this.#text;
  }

  /** Once all is done: how long the connection may wait for its next use; null where there is none. */
  get reusableMs(): number | null {
    if (this.#head === null || !this.#head.keepAlive) return null;
    return this.#head.idleMs ?? Number.POSITIVE_INFINITY;
  }

  /** Once all is done: how many of the last bytes that were pushed are not part of it. */
  get surplusBytes(): number {
    return this.#surplusBytes;
  }

  push(chunk: Buffer): ParserStatus {
    let bytes = chunk;
    if (this.#pending.length > 0) {
      bytes = Buffer.concat([this.#pending, chunk]);
      this.#pending = NOTHING;
    }
    let at = 0;
    for (;;) {
      const next = this.#step(bytes, at);
      if (next === 'fault') return 'fault';
      if (this.#state === 'over') {
        this.#surplusBytes = bytes.length - next;
        return 'done';
      }
      if (next === at) break;
      at = next;
    }
    if (at < bytes.length) this.#pending = Buffer.from(bytes.subarray(at));
    return 'more';
  }

  /** The peer sends no more. */
  end(): ParserStatus {
    if (this.#state !== 'untilClose') return 'fault';
    this.#finish();
    return 'done';
  }

  /** Takes what it can from there on, and tells how far it got; the same place where more bytes are needed. */
  #step(bytes: Buffer, at: number): number | 'fault' {
    switch (this.#state) {
      case 'head':
        return this.#takeHead(bytes, at);
      case 'sized':
      case 'chunkData':
        return this.#takeData(bytes, at, this.#left);
      case 'untilClose':
        return this.#takeData(bytes, at, Number.POSITIVE_INFINITY);
      case 'chunkLine':
        return this.#takeChunkLine(bytes, at);
      case 'chunkEnd':
        return this.#takeChunkEnd(bytes, at);
      case 'trailer':
        return this.#takeTrailer(bytes, at);
      case 'over':
        return at;
    }
  }

  #takeHead(bytes: Buffer, at: number): number | 'fault' {
    const knownEnd = this.#heads.knownEnd(bytes, at);
    // A longer length can take a head past its bound.
    if (knownEnd !== -1 && knownEnd - at <= HEAD_BYTES_MAX)
      return this.#begin(bytes, knownEnd, this.#heads.last);
    const end = bytes.indexOf(HEAD_END, at, 'latin1');
    if ((end === -1 ? bytes.length : end) - at > HEAD_BYTES_MAX) return 'fault';
    if (end === -1) return at;
    const next = end + HEAD_END.length;
    return this.#begin(bytes, next, this.#heads.read(bytes.toString('latin1', at, next)));
  }

  /** Goes on behind a head. */
  #begin(bytes: Buffer, next: number, head: ResponseHead | null): number | 'fault' {
    if (head === null) return 'fault';
    if (head.status < 200) {
      this.#interim += 1;
      return head.status === 101 || this.#interim > INTERIM_MAX ? 'fault' : next;
    }
    this.#head = head;
    if (head.body === 'chunked') this.#state = 'chunkLine';
    else if (head.body === 'untilClose') this.#state = 'untilClose';
    else if (head.body > this.#bytesMax) return this.#tooLarge();
    else return this.#takeSized(bytes, next, head.body);
    return next;
  }

  /** Almost every answer comes whole, and is decoded from where it lies. */
  #takeSized(bytes: Buffer, at: number, length: number): number {
    if (bytes.length - at < length) {
      this.#state = 'sized';
      this.#left = length;
      return at;
    }
    this.#text = bytes.toString('utf8', at, at + length);
    this.#state = 'over';
    return at + length;
  }

  #takeData(bytes: Buffer, at: number, most: number): number | 'fault' {
    const taken = Math.min(most, bytes.length - at);
    const bodyBytes = this.#bodyBytes + taken;
    if (bodyBytes > this.#bytesMax) return this.#tooLarge();
    if (bodyBytes > this.#body.length) this.#grow(bodyBytes);
    bytes.copy(this.#body, this.#bodyBytes, at, at + taken);
    this.#bodyBytes = bodyBytes;
    this.#left -= taken;
    if (this.#state === 'sized' && this.#left === 0) this.#finish();
    else if (this.#state === 'chunkData' && this.#left === 0) this.#state = 'chunkEnd';
    return at + taken;
  }

  #takeChunkLine(bytes: Buffer, at: number): number | 'fault' {
    const end = lineEnd(bytes, at, CHUNK_LINE_BYTES_MAX);
    if (end === 'fault' || end === 'more') return end === 'more' ? at : end;
    const size = CHUNK_LINE.exec(bytes.toString('latin1', at, end))?.[1];
    if (size === undefined) return 'fault';
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailer' : 'chunkData';
    return this.#bodyBytes + this.#left > this.#bytesMax ? this.#tooLarge() : end + LINE_END.length;
  }

  #takeChunkEnd(bytes: Buffer, at: number): number | 'fault' {
    const end = lineEnd(bytes, at, 0);
    if (end === 'fault' || end === 'more') return end === 'more' ? at : end;
    this.#state = 'chunkLine';
    return end + LINE_END.length;
  }

  /** Fields after the last chunk say nothing that is used; they only have to be fields, and to end. */
  #takeTrailer(bytes: Buffer, at: number): number | 'fault' {
    if (lineEnd(bytes, at, 0) === at) {
      this.#finish();
      return at + LINE_END.length;
    }
    const end = bytes.indexOf(HEAD_END, at, 'latin1');
    if ((end === -1 ? bytes.length : end) - at > HEAD_BYTES_MAX) return 'fault';
    if (end === -1) return at;
    if (!areFields(bytes.toString('latin1', at, end))) return 'fault';
    this.#finish();
    return end + HEAD_END.length;
  }

  /** Makes room for twice as much, so that what is held grows with what has come and not with what was announced. */
  #grow(bytesMin: number): void {
    const grown = Buffer.allocUnsafe(Math.min(this.#bytesMax, 2 * bytesMin));
    this.#body.copy(grown, 0, 0, this.#bodyBytes);
    this.#body = grown;
  }

  #tooLarge(): 'fault' {
    this.#isTooLarge = true;
    return 'fault';
  }

  #finish(): void {
    this.#text = this.#body.toString('utf8', 0, this.#bodyBytes);
    this.#body = NOTHING;
    this.#state = 'over';
  }
}

/** Where the line ends that begins there and has at most so many bytes. */
function lineEnd(bytes: Buffer, at: number, bytesMax: number): number | 'more' | 'fault' {
  const end = bytes.subarray(at, at + bytesMax + LINE_END.length).indexOf(LINE_END, 0, 'latin1');
  if (end !== -1) return at + end;
  // A lone CR at the end may still become a line's end.
  return bytes.length - at < bytesMax + LINE_END.length ? 'more' : 'fault';
}
