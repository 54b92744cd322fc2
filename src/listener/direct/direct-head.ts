import type { GatewayError } from '../../errors.ts';
import { checkHeaders } from '../check-headers.ts';
import { negotiateCoding, type ResponseCoding } from '../content-coding.ts';
import { type CredentialFields, credentialFields } from '../header-fields.ts';
import { negotiateMediaType, negotiateStream } from '../negotiate.ts';
import type { ResponseMediaType } from '../request.ts';
import { SSE_FORMAT } from '../stream-format.ts';
import { type PlainHeadOptions, readPlainHead } from './plain-head.ts';

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

export interface DirectHeadOptions extends PlainHeadOptions {
  /** Whether answers have one form, whatever a request says that it accepts. Default: not. */
  readonly isOneForm?: boolean;
  readonly compression: boolean;
  readonly defers: boolean;
  readonly apiKeyHeader?: string | undefined;
}

/** Reads the head of a request to the endpoint, as `readPlainHead` does; null also for one that asks for a stream. */
export function readDirectHead(text: string, options: DirectHeadOptions): DirectHead | null {
  const { path, isOneForm = false } = options;
  const plain = readPlainHead(text, options);
  if (plain === null) return null;
  const { headers, raw, contentLength } = plain;
  const { accept } = headers;
  if (negotiateStream(accept, { streams: true, defers: options.defers }) !== null) return null;
  return {
    ...{ path, headers },
    credentials: credentialFields(raw, options.apiKeyHeader),
    contentLength,
    mediaType: negotiateMediaType(accept) ?? 'application/json',
    coding: options.compression ? negotiateCoding(headers['accept-encoding']) : null,
    refusal: checkHeaders('POST', headers, isOneForm ? SSE_FORMAT : null),
  };
}
