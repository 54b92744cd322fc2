/** Where requests of one subgraph go. */
export interface HttpTarget {
  /** Host and port: requests to the same one share connections. */
  readonly authority: string;
  readonly host: string;
  readonly port: number;
  /** Begins every request: method, path and host. */
  readonly start: string;
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t -~\x80-\xff]*$/;

/** Fields that the client itself sets: a second one would frame the request in another way. */
const OWN: ReadonlySet<string> = new Set(['connection', 'content-length', 'host', 'transfer-encoding']);

/** Reads the URL of a subgraph; null where it is no plain HTTP. */
export function httpTargetOf(url: string): HttpTarget | null {
  const { protocol, hostname, port, host, pathname, search, username } = new URL(url);
  if (protocol !== 'http:' || username !== '') return null;
  return {
    authority: host,
    // Addresses of the newer protocol stand in brackets in URLs and in the field, and without them elsewhere.
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? 80 : Number(port),
    start: `POST ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\n`,
  };
}

/**
 * Prints header fields; null where one cannot be sent.
 * Source: a value with a line feed in it would be a field, or a request, of its sender's choice.
 */
export function printFields(headers: Readonly<Record<string, string>>): string | null {
  let printed = '';
  for (const name of Object.keys(headers)) {
    const value = headers[name] ?? '';
    if (!NAME.test(name) || OWN.has(name.toLowerCase()) || !VALUE.test(value)) return null;
    printed += `${name}: ${value}\r\n`;
  }
  return printed;
}
