import { readFieldLine } from '../../field-line.ts';

/** What the head of a request says that has nothing out of the ordinary. */
export interface PlainHead {
  /** Names in lower case; no name twice. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names and values in turn. */
  readonly raw: readonly string[];
  /** Units: bytes. */
  readonly contentLength: number;
}

export interface PlainHeadOptions {
  readonly path: string;
  readonly headerBytesMax: number;
  readonly bodyBytesMax: number;
}

/** Digits only, and no more than any limit could have. */
const LENGTH = /^(?:0|[1-9][0-9]{0,9})$/;
const KEEP_ALIVE = /^keep-alive$/i;
/** Fields that change how the bytes of a request are read or what its connection becomes. */
const FRAMING: ReadonlySet<string> = new Set([
  ...['content-encoding', 'expect', 'http2-settings', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

/** The line that a request which can be answered directly begins with, its line feed included. */
export function directStart(path: string): string {
  return `POST ${path} HTTP/1.1\r\n`;
}

/**
 * Reads the head of a request, without the empty line that ends it. Null where anything in it is out of the ordinary:
 * that is for Node's own parser to read and to judge, so that no two parsers differ over one request.
 */
export function readPlainHead(text: string, options: PlainHeadOptions): PlainHead | null {
  const start = directStart(options.path);
  if (text.length > options.headerBytesMax || !text.startsWith(start)) return null;
  const headers: Record<string, string> = Object.create(null);
  const raw: string[] = [];
  for (const line of text.slice(start.length).split('\r\n')) {
    const field = readFieldLine(line);
    if (field === null || field.name in headers || FRAMING.has(field.name)) return null;
    headers[field.name] = field.value;
    raw.push(field.name, field.value);
  }
  const { host, connection = 'keep-alive', 'content-length': length = '' } = headers;
  if (host === undefined || !KEEP_ALIVE.test(connection) || !LENGTH.test(length)) return null;
  const contentLength = Number(length);
  return contentLength > options.bodyBytesMax ? null : { headers, raw, contentLength };
}

/** What a connection has to know of a head. */
export type Framed = Pick<PlainHead, 'contentLength'>;
