import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ErrorCode } from '../errors.ts';
import { encodeResponse, refusalResponse } from './encode-response.ts';

/** How long a client whose bytes were not HTTP may take to read its answer. */
const LINGER_MS = 1000;

const CODES: ReadonlyMap<string, ErrorCode> = new Map([
  ['HPE_HEADER_OVERFLOW', 'HEADERS_TOO_LARGE'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 'PAYLOAD_TOO_LARGE'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'REQUEST_NOT_RECEIVED'],
]);

/**
 * Answers faults below HTTP, such as a header over the limit or bytes that are not HTTP, in the shape of every
 * other refusal. There is no request to audit yet; the connection ends with the answer.
 */
export function createClientErrorSink(newId: () => string): (error: Error, socket: Socket) => void {
  const answered = new WeakSet<Socket>();
  return (error, socket) => {
    // The parser reports each further chunk of a connection that it gave up on.
    if (answered.has(socket)) return;
    answered.add(socket);
    const fault = 'code' in error && typeof error.code === 'string' ? error.code : '';
    if (!socket.writable || fault === 'ECONNRESET' || fault === 'EPIPE') {
      socket.destroy();
      return;
    }
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
    socket.end(rawRefusal(CODES.get(fault) ?? 'BAD_REQUEST', newId()));
  };
}

function rawRefusal(code: ErrorCode, requestId: string): string {
  const frame = { requestId, mediaType: 'application/json' } as const;
  const { status, headers, body } = encodeResponse(refusalResponse(code, requestId), frame);
  const fields = { ...headers, 'content-length': String(Buffer.byteLength(body)), connection: 'close' };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`;
}
