import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { brotliCompress, gzip, constants as zlib } from 'node:zlib';
import { takenWithin } from './answer-end-sink.ts';
import type { ResponseCoding } from './content-coding.ts';
import type { EncodedResponse } from './encode-response.ts';

export interface WriteOptions {
  /** Fields already decided by CORS. */
  readonly headers: OutgoingHttpHeaders;
  /** The coding the client accepts, or null where answers are not compressed. */
  readonly coding: ResponseCoding | null;
  /** Whether the connection ends with this answer. */
  readonly close: boolean;
  /** Time the client has to take all of it. */
  readonly timeoutMs: number;
}

/** Below this, compression costs more time than it saves. */
const COMPRESSION_BYTES_MIN = 1024;

/** How long a refused sender may go on sending into the void, so that it reads its answer before the reset. */
const LINGER_MS = 1000;

const gzipAsync = promisify(gzip);
const brotliAsync = promisify(brotliCompress);

/** Brotli's own default, 11, is for files that are compressed once. */
const BROTLI_OPTIONS = { params: { [zlib.BROTLI_PARAM_QUALITY]: 4 } };

/**
 * Writes an answer, compressed where that pays; does nothing when the client has gone or was answered.
 * Null where all is done at once; a promise where compression takes time.
 */
export function writeResponse(
  outgoing: ServerResponse,
  encoded: EncodedResponse,
  options: WriteOptions,
): Promise<void> | null {
  const length = Buffer.byteLength(encoded.body);
  const compressing = compressed(encoded.body, length, options.coding);
  if (compressing === null) {
    // Text goes out in one piece with its header, where bytes would be a second one.
    write(outgoing, encoded, { ...options, coding: null, payload: encoded.body, length });
    return null;
  }
  return compressing.then((payload) =>
    write(outgoing, encoded, { ...options, payload, length: payload.length }),
  );
}

/** A body of so many bytes in the coding its client takes; null where it goes as it is. */
export function compressed(
  body: string,
  bytes: number,
  coding: ResponseCoding | null,
): Promise<Buffer> | null {
  if (coding === null || bytes < COMPRESSION_BYTES_MIN) return null;
  const plain = Buffer.from(body);
  return coding === 'br' ? brotliAsync(plain, BROTLI_OPTIONS) : gzipAsync(plain);
}

interface Payload extends WriteOptions {
  readonly payload: string | Buffer;
  /** Units: bytes. */
  readonly length: number;
}

function write(outgoing: ServerResponse, encoded: EncodedResponse, options: Payload): void {
  if (outgoing.destroyed || outgoing.headersSent) return;
  const { payload, length, coding } = options;
  const unread = hasUnreadBody(outgoing);
  const fields = fieldsOf(encoded.headers, options.headers);
  fields['content-length'] = length;
  if (coding !== null) fields['content-encoding'] = coding;
  if (options.close || unread) fields['connection'] = 'close';
  outgoing.writeHead(encoded.status, fields);
  if (unread) linger(outgoing, payload);
  else outgoing.end(payload);
  takenWithin(outgoing, options.timeoutMs);
}

/** The fields of an answer, and those of CORS where there are any; a literal that begins with a spread is as good as one without. */
function fieldsOf(own: EncodedResponse['headers'], cors: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = { ...own };
  for (const name of Object.keys(cors)) {
    const value = cors[name];
    if (name === 'vary' && value !== undefined) fields[name] = [value, own[name]].flat().join(', ');
    else fields[name] ??= value;
  }
  return fields;
}

function hasUnreadBody({ req }: ServerResponse): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': transfer } = req.headers;
  return !req.complete && (transfer !== undefined || length !== '0');
}

/**
 * Writes the whole answer, then discards what still comes in, for a bounded time, before closing. Closing at once
 * would reset the connection under a sender that has not read the answer yet.
 */
function linger(outgoing: ServerResponse, payload: string | Buffer): void {
  const { req: incoming } = outgoing;
  const timer = setTimeout(finish, LINGER_MS);
  function finish(): void {
    clearTimeout(timer);
    outgoing.end();
  }
  outgoing.write(payload);
  incoming.once('end', finish).once('close', finish).resume();
}
