import { type HeaderFields, headerValue } from './header-fields.ts';
import type { MediaType } from './media-type.ts';

/** What any page may send to any origin without asking first. */
const SIMPLE_TYPES: ReadonlySet<string> = new Set([
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
]);

const PREFLIGHT_HEADERS = ['x-apollo-operation-name', 'apollo-require-preflight'] as const;

/**
 * Whether a browser must have asked this server before it let a page of another origin send this request.
 * `contentType` is null where the header is missing or cannot be parsed; neither proves a preflight.
 * Source: Fetch standard, "CORS-safelisted request-header"; Apollo Server's CSRF prevention.
 */
export function isPreflighted(headers: HeaderFields, contentType: MediaType | null): boolean {
  if (contentType !== null && !SIMPLE_TYPES.has(contentType.essence)) return true;
  return PREFLIGHT_HEADERS.some((name) => (headerValue(headers, name) ?? '') !== '');
}
