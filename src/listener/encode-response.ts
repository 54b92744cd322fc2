import { CATALOGUE, type ErrorCode } from '../errors.ts';
import type { GatewayResponse, ResponseMediaType } from './request.ts';

/** An answer ready to be written, but for its coding. */
export interface EncodedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What an answer says besides what the pipeline says. */
export interface ResponseFrame {
  readonly requestId: string;
  readonly mediaType: ResponseMediaType;
}

/** On every answer that is data: never cached, never sniffed, never framed, never run. */
export const SECURITY_HEADERS = Object.freeze({
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
});

/** An answer without the edge's own fields. */
export interface PlainResponse {
  readonly status: number;
  readonly headers: GatewayResponse['headers'];
  readonly body: string;
}

/** What answers differ by. */
export const VARY = 'accept, accept-encoding';

/** Encodes the answer to one operation. The edge's own fields win over the pipeline's. */
export function encodeResponse(response: GatewayResponse, frame: ResponseFrame): EncodedResponse {
  return framed(plainResponse(response), frame);
}

/** Encodes the answers to a batch, in order. */
export function encodeBatch(responses: readonly GatewayResponse[], frame: ResponseFrame): EncodedResponse {
  return framed(plainBatch(responses), frame);
}

export function plainResponse({ status, headers, body }: GatewayResponse): PlainResponse {
  return { status, headers, body: JSON.stringify(body) };
}

/**
 * The answers to a batch, in order. The status is 200 unless all were refused with the same one; header fields speak of one
 * operation, so they are kept only in that case.
 */
export function plainBatch(responses: readonly GatewayResponse[]): PlainResponse {
  const first = responses[0];
  const agreed = first !== undefined && responses.every(({ status }) => status === first.status);
  const refused = agreed && first.status !== 200;
  return {
    status: refused ? first.status : 200,
    headers: refused ? first.headers : NO_HEADERS,
    body: JSON.stringify(responses.map(({ body }) => body)),
  };
}

/** A refusal in the shape of a response, for faults that never reach the pipeline. */
export function refusalResponse(code: ErrorCode, requestId: string): GatewayResponse {
  const { status, message } = CATALOGUE[code];
  return { status, headers: {}, body: { errors: [{ message, extensions: { code, requestId } }] } };
}

const NO_HEADERS: GatewayResponse['headers'] = {};

/** The edge's own fields and those of the pipeline that it does not set. A second spread in a literal costs as much as the rest of an answer's encoding. */
function framed({ status, headers, body }: PlainResponse, frame: ResponseFrame): EncodedResponse {
  const fields: Record<string, string> = {
    ...SECURITY_HEADERS,
    'content-type': `${frame.mediaType}; charset=utf-8`,
    'x-request-id': frame.requestId,
    vary: VARY,
  };
  for (const name of Object.keys(headers)) fields[name] ??= headers[name] ?? '';
  return { status, headers: fields, body };
}
