import { refusal } from './refusal.ts';

/** RFC 9110 section 11.2: one opaque token, no spaces, no list. */
const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/;

/** The header values of a request that may hold credentials, every one in order. */
export interface PresentedCredentials {
  readonly authorization: readonly string[];
  /** Of the header that is set up for API keys; absent where none is. */
  readonly apiKeys?: readonly string[] | undefined;
}

/** The one credential of a request. */
export interface Credential {
  readonly kind: 'token' | 'apiKey';
  readonly value: string;
}

const API_KEY_SCHEME = /^apikey(?: +|$)/iu;

/**
 * The one credential of a request, in `Authorization` or in the header for API keys; null where there is none.
 * Throws: UNAUTHENTICATED for a present but unusable one, and for two at once: which of them an intermediary looked at
 * is unknown.
 */
export function credentialOf(request: PresentedCredentials, takesApiKeys: boolean): Credential | null {
  const { authorization, apiKeys = [] } = request;
  const [apiKey, second] = apiKeys;
  if (takesApiKeys && apiKey !== undefined) {
    if (second !== undefined || authorization.length > 0) throw refusal('credential_repeated');
    return { kind: 'apiKey', value: apiKey };
  }
  const [value] = authorization;
  const scheme = takesApiKeys && authorization.length === 1 ? API_KEY_SCHEME.exec(value ?? '') : null;
  if (scheme !== null) return { kind: 'apiKey', value: (value ?? '').slice(scheme[0].length) };
  const token = bearerToken(authorization);
  return token === null ? null : { kind: 'token', value: token };
}

/**
 * The bearer token of a request's `Authorization` values; null where there is no credential at all.
 * A present but unusable header is a refusal and never the same as none, so that no fault makes a caller anonymous.
 * Throws: UNAUTHENTICATED.
 * Source: RFC 9110 section 11.6.2, RFC 6750 section 2.1.
 */
export function bearerToken(authorization: readonly string[]): string | null {
  const [value, second] = authorization;
  if (value === undefined) return null;
  // Which of several an intermediary looked at is unknown, so none of them counts.
  if (second !== undefined) throw refusal('credential_repeated');
  const space = value.indexOf(' ');
  const scheme = space === -1 ? value : value.slice(0, space);
  if (scheme === '') throw refusal('credential_malformed');
  if (scheme !== 'Bearer' && scheme.toLowerCase() !== 'bearer') throw refusal('scheme_not_supported');
  let start = scheme.length;
  while (value[start] === ' ') start++;
  if (start === value.length) throw refusal('credential_malformed');
  return value.slice(start);
}

/** Whether a bearer token has only characters that one may have. */
export function isToken68(token: string): boolean {
  return TOKEN68.test(token);
}
