/** Codings a request body may have. */
export type RequestCoding = 'identity' | 'gzip' | 'deflate' | 'br';

/** Codings an answer may get. */
export type ResponseCoding = 'gzip' | 'br';

const REQUEST_CODINGS: ReadonlyMap<string, RequestCoding> = new Map([
  ['identity', 'identity'],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
]);

/** Value of `Accept-Encoding` in an answer that refuses a coding (RFC 7694). */
export const ACCEPTED_CODINGS = 'gzip, deflate, br';

/**
 * The coding of a request body, or null where it is unknown or there are several.
 * Several are refused because each layer multiplies what one byte can become.
 */
export function parseContentCoding(value: string | undefined): RequestCoding | null {
  if (value === undefined) return 'identity';
  return REQUEST_CODINGS.get(value.trim().toLowerCase()) ?? null;
}

/** The coding to answer in: the one the client likes best, the earlier offer where it likes both alike, null for none. */
export function negotiateCoding(
  acceptEncoding: string | undefined,
  offers: readonly ResponseCoding[] = ['br', 'gzip'],
): ResponseCoding | null {
  if (acceptEncoding === undefined) return null;
  const qualities = new Map<string, number>();
  for (const element of acceptEncoding.split(',')) {
    const match = /^\s*([^\s;]+)\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?$/i.exec(element);
    if (match?.[1] !== undefined) qualities.set(match[1].toLowerCase(), Number(match[2] ?? 1));
  }
  let best: ResponseCoding | null = null;
  let bestQuality = 0;
  for (const offer of offers) {
    const quality = qualities.get(offer) ?? qualities.get('*') ?? 0;
    if (quality > bestQuality) [best, bestQuality] = [offer, quality];
  }
  return best;
}
