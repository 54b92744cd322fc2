import { type PlainResponse, SECURITY_HEADERS, VARY } from '../encode-response.ts';
import type { ResponseMediaType } from '../request.ts';

/** What the head of an answer says besides what the pipeline says. */
export interface DirectFrame {
  /** What stands behind the status. */
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

/** The head of an answer, the empty line included. Throws: TypeError for a value that would end its line. */
export function directAnswerHead(
  { status, headers }: Pick<PlainResponse, 'status' | 'headers'>,
  frame: DirectFrame,
  date: string,
): string {
  const { requestId, mediaType, length, coding, varies, keepSeconds } = frame;
  let head = `HTTP/1.1 ${status} ${frame.reason}\r\n${varies ? FIXED_OF_MANY : FIXED}content-type: ${mediaType}; charset=utf-8\r\nx-request-id: ${requestId}\r\n`;
  for (const name of Object.keys(headers)) {
    const value = headers[name] ?? '';
    if (OWN.has(name)) continue;
    if (!VALUE.test(value)) throw new TypeError(`The header field ${name} cannot be sent.`);
    head += `${name}: ${value}\r\n`;
  }
  if (coding !== null) head += `content-encoding: ${coding}\r\n`;
  const connection =
    keepSeconds === null
      ? 'connection: close'
      : `connection: keep-alive\r\nkeep-alive: timeout=${keepSeconds}`;
  return `${head}content-length: ${length}\r\ndate: ${date}\r\n${connection}\r\n\r\n`;
}
