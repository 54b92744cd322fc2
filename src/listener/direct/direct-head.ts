import type { GatewayError } from '../../errors.ts';
import { readFieldLine } from '../../field-line.ts';
import { checkHeaders } from '../check-headers.ts';
import { negotiateCoding, type ResponseCoding } from '../content-coding.ts';
import { type CredentialFields, credentialFields } from '../header-fields.ts';
import { negotiateMediaType, negotiateStream } from '../negotiate.ts';
import type { ResponseMediaType } from '../request.ts';
import { SSE_FORMAT } from '../stream-format.ts';

/** What the head of a request says; worked out once for all requests of a connection that have the same one. */
export interface DirectHead {
  /** As in the options that it was read by. */
  readonly path: string;
  /** Names in lower case; no name twice. */
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: CredentialFields;
  /** Units: bytes. */
  readonly contentLength: number;
  readonly mediaType: ResponseMediaType;
  /** The coding that the client takes for a large answer; null where answers go as they are. */
  readonly coding: ResponseCoding | null;
  /** What the head alone refuses. */
  readonly refusal: GatewayError | null;
}

export interface DirectHeadOptions {
  readonly path: string;
  /** Whether answers have one form, whatever a request says that it accepts. Default: not. */
  readonly isOneForm?: boolean;
  readonly headerBytesMax: number;
  readonly bodyBytesMax: number;
  readonly compression: boolean;
  readonly defers: boolean;
  readonly apiKeyHeader?: string | undefined;
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
export function readDirectHead(text: string, options: DirectHeadOptions): DirectHead | null {
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
  const { host, connection = 'keep-alive', 'content-length': length = '', accept } = headers;
  if (host === undefined || !KEEP_ALIVE.test(connection) || !LENGTH.test(length)) return null;
  if (Number(length) > options.bodyBytesMax) return null;
  if (negotiateStream(accept, { streams: true, defers: options.defers }) !== null) return null;
  const { path, isOneForm = false } = options;
  return {
    ...{ path, headers },
    credentials: credentialFields(raw, options.apiKeyHeader),
    contentLength: Number(length),
    mediaType: negotiateMediaType(accept) ?? 'application/json',
    coding: options.compression ? negotiateCoding(headers['accept-encoding']) : null,
    refusal: checkHeaders('POST', headers, isOneForm ? SSE_FORMAT : null),
  };
}
