/** Longest that an address with a port is, IPv4 in IPv6 included. */
const CHARS_MAX = 64;
const V4_AND_PORT = /^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/u;
const V6 = /^(?:\[([\da-f:.]+)\](?::\d{1,5})?|([\da-f:.]+))$/iu;
/** Source: RFC 4291, section 2.5.5.2. */
const MAPPED_V4 = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/u;
const BYTE = 256;

/**
 * An address in the one way that it is counted by: without a port, which some proxies write and which is another for each connection;
 * IPv6 as RFC 5952 writes it, and IPv4 as itself also where it stands in IPv6. What is no address stays as it is.
 */
export function clientAddress(text: string): string {
  if (!text.includes(':') || text.length > CHARS_MAX) return text;
  const [, v4] = V4_AND_PORT.exec(text) ?? [];
  if (v4 !== undefined) return v4;
  const [, bracketed, bare = bracketed] = V6.exec(text) ?? [];
  const host = bare === undefined ? undefined : URL.parse(`http://[${bare}]`)?.hostname.slice(1, -1);
  if (host === undefined) return text;
  const [, high, low] = MAPPED_V4.exec(host) ?? [];
  if (high === undefined || low === undefined) return host;
  const pairs = [high, low].map((group) => Number.parseInt(group, 16));
  return pairs.flatMap((pair) => [Math.floor(pair / BYTE), pair % BYTE]).join('.');
}
