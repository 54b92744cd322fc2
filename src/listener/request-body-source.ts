import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { Deadlines } from '../deadlines.ts';
import { GatewayError } from '../errors.ts';
import { parseContentCoding, type RequestCoding } from './content-coding.ts';
import { headerValue } from './header-fields.ts';

/** How much of a body is read, decoded, and how long its sender may take. */
export interface BodyBounds {
  readonly bytesMax: number;
  readonly timeoutMs: number;
}

const DECODERS = { gzip: promisify(gunzip), deflate: promisify(inflate), br: promisify(brotliDecompress) };

/**
 * Reads a request body and undoes its coding; what counts against the bound is the decoded size.
 * The bound holds while inflating, so a small body that would become a huge one costs no more than the bound.
 * Throws: PAYLOAD_TOO_LARGE, REQUEST_NOT_RECEIVED, REQUEST_ABORTED, UNSUPPORTED_MEDIA_TYPE, BAD_REQUEST.
 */
export async function readBody(incoming: IncomingMessage, bounds: BodyBounds): Promise<Buffer> {
  const coding = parseContentCoding(headerValue(incoming.headers, 'content-encoding'));
  if (coding === null) throw new GatewayError('UNSUPPORTED_MEDIA_TYPE');
  const bytesMax = coding === 'identity' ? bounds.bytesMax : encodedBytesMax(bounds.bytesMax);
  if (Number(incoming.headers['content-length'] ?? 0) > bytesMax) throw new GatewayError('PAYLOAD_TOO_LARGE');
  const received = await collect(incoming, { bytesMax, timeoutMs: bounds.timeoutMs });
  return coding === 'identity' ? received : decode(received, coding, bounds.bytesMax);
}

/** What cannot be compressed grows a little, by less than a thousandth and a header, and must still fit. */
function encodedBytesMax(bytesMax: number): number {
  return bytesMax + Math.ceil(bytesMax / 1000) + 128;
}

async function decode(
  bytes: Buffer,
  coding: Exclude<RequestCoding, 'identity'>,
  bytesMax: number,
): Promise<Buffer> {
  try {
    return await DECODERS[coding](bytes, { maxOutputLength: bytesMax });
  } catch (cause) {
    const tooLarge = cause instanceof RangeError && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
    if (tooLarge) throw new GatewayError('PAYLOAD_TOO_LARGE');
    throw new GatewayError('BAD_REQUEST', {
      cause,
      details: [{ message: 'The body does not fit its content encoding.' }],
    });
  }
}

/** One timer for all bodies: almost every one has come before a timer of its own would be worth its cost. */
const deadlines = new Deadlines(() => performance.now());

function collect(incoming: IncomingMessage, bounds: BodyBounds): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let over = false;
    const stop = (error: GatewayError | null): void => {
      if (over) return;
      over = true;
      deadlines.forget(waiting);
      if (error === null) {
        const [first] = chunks;
        resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, bytes));
        return;
      }
      // Whoever answers decides how much longer to listen to the rest; until then it is not kept.
      incoming.pause();
      reject(error);
    };
    const waiting = {
      untilMs: performance.now() + bounds.timeoutMs,
      expire: () => stop(new GatewayError('REQUEST_NOT_RECEIVED')),
    };
    const onGone = (): void => {
      // Every request closes in the end, and an error is dear.
      if (!over) stop(new GatewayError('REQUEST_ABORTED'));
    };
    incoming
      .on('data', (chunk: Buffer) => {
        if (over) return;
        bytes += chunk.length;
        if (bytes > bounds.bytesMax) stop(new GatewayError('PAYLOAD_TOO_LARGE'));
        else chunks.push(chunk);
      })
      .on('end', () => stop(null))
      .on('error', onGone)
      .on('close', onGone);
    deadlines.watch(waiting);
  });
}
