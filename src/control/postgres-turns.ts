/** Code of PostgreSQL's protocol for a message that begins a session. */
const VERSION_3 = 196_608;
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;

/** Bytes before the content of a message: its length and, once a session has begun, its type before it. */
const LENGTH_BYTES = 4;
const HEADER_BYTES = 5;

/** Parts of one query, of which nothing is answered before the message after them: Parse, Bind, Describe, Execute, Close. */
const PARTS = new Set(Buffer.from('PBDEC'));

/** How a client opens its session. */
export type Opening =
  | { readonly kind: 'begin' | 'encryption'; readonly bytes: number }
  | { readonly kind: 'unknown' }
  | null;

/**
 * What the first message of a session asks for, and its length; null until it is whole.
 * Source: PostgreSQL, Frontend/Backend Protocol, StartupMessage, SSLRequest, GSSENCRequest.
 */
export function openingOf(bytes: Buffer): Opening {
  if (bytes.length < 2 * LENGTH_BYTES) return null;
  const [length, code] = [bytes.readInt32BE(0), bytes.readInt32BE(LENGTH_BYTES)];
  if (length < 2 * LENGTH_BYTES) return { kind: 'unknown' };
  if (code === SSL_REQUEST || code === GSS_REQUEST) return { kind: 'encryption', bytes: length };
  if (code !== VERSION_3) return { kind: 'unknown' };
  return bytes.length < length ? null : { kind: 'begin', bytes: length };
}

/**
 * Length of the first messages that are answered together; zero until they are whole.
 * Throws: RangeError where a message claims less than its own length.
 */
export function turnBytes(bytes: Buffer): number {
  let at = 0;
  while (bytes.length - at >= HEADER_BYTES) {
    const length = bytes.readInt32BE(at + 1);
    if (length < LENGTH_BYTES) throw new RangeError(`a message of ${length} bytes`);
    const isPart = PARTS.has(bytes[at] ?? 0);
    at += 1 + length;
    if (at > bytes.length) return 0;
    if (!isPart) return at;
  }
  return 0;
}

/** Tells a client why its session ends. Source: PostgreSQL, Error and Notice Message Fields. */
export function fatal(reason: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0CXX000\0M${reason.replaceAll('\0', '')}\0\0`);
  const header = Buffer.from('E\0\0\0\0', 'latin1');
  header.writeInt32BE(LENGTH_BYTES + fields.length, 1);
  return Buffer.concat([header, fields]);
}
