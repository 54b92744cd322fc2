import { GatewayError } from '../errors.ts';
import { ACCEPTED_CODINGS, parseContentCoding } from './content-coding.ts';
import { isPreflighted } from './csrf.ts';
import { type HeaderFields, headerValue } from './header-fields.ts';
import { isUtf8, parseMediaType } from './media-type.ts';
import { negotiateMediaType } from './negotiate.ts';
import type { StreamFormat } from './stream-format.ts';

/**
 * What the method and the header fields alone refuse, before any byte of the body is read; null where nothing.
 * Source: GraphQL over HTTP sections 5 and 6; the threats are forged cross-site requests and parser confusion.
 */
export function checkHeaders(
  method: 'GET' | 'POST',
  headers: HeaderFields,
  stream: StreamFormat | null = null,
): GatewayError | null {
  const acceptable = stream !== null || negotiateMediaType(headerValue(headers, 'accept')) !== null;
  if (!acceptable) return new GatewayError('NOT_ACCEPTABLE');
  const field = headerValue(headers, 'content-type');
  const contentType = field === undefined ? null : parseMediaType(field);
  if (!isPreflighted(headers, contentType)) return new GatewayError('CSRF_PREVENTED');
  // A GET has no body to describe, so it may leave the content type out; what it states must still be true.
  const required = method === 'POST' || field !== undefined;
  const isJson = contentType?.essence === 'application/json' && isUtf8(contentType);
  if (required && !isJson) return new GatewayError('UNSUPPORTED_MEDIA_TYPE');
  if (parseContentCoding(headerValue(headers, 'content-encoding')) === null) {
    return new GatewayError('UNSUPPORTED_MEDIA_TYPE', { headers: { 'accept-encoding': ACCEPTED_CODINGS } });
  }
  return null;
}
