import { GatewayError } from '../errors.ts';

/**
 * The URL of a remote key set, if keys fetched from it can be trusted.
 * Throws: CONFIG_INVALID for anything but https, or http to a loopback host, and for credentials in the URL.
 * Source: RFC 8725 section 3.10; whoever can change the keys on their way can sign any token.
 */
export function jwksUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw invalid('The JWKS URL is not a URL.');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw invalid('The JWKS URL must use https, or http to a loopback host.');
  }
  if (url.username !== '' || url.password !== '') throw invalid('The JWKS URL must not carry credentials.');
  return url;
}

/** Host names as the URL parser writes them: addresses are in their canonical form by then. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function invalid(message: string): GatewayError {
  return new GatewayError('CONFIG_INVALID', { details: [{ message }] });
}
