import { z } from 'zod';

interface IntegerKeyOptions {
  readonly min: number;
  readonly max: number;
  readonly default: number;
  /** What it bounds and why the default is what it is; ends up in the schema and the reference. */
  readonly about: string;
}

/** A whole number between two bounds: every amount in the configuration has a floor, a ceiling and a default. */
export function integerKey(options: IntegerKeyOptions) {
  return z.int().min(options.min).max(options.max).default(options.default).describe(options.about);
}

/** A switch with a default. */
export function switchKey(initial: boolean, about: string) {
  return z.boolean().default(initial).describe(about);
}

/** A path as written in the file; it is resolved against the folder of the configuration file. */
export function pathKey(about: string) {
  return z.string().min(1).max(4096).describe(about);
}

const LOOPBACK_IPV4 = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;

/** True for hosts that never leave the machine; takes the host name of a parsed URL, where addresses are normalised. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || LOOPBACK_IPV4.test(hostname);
}

/** True where a value that may be a URL or a path is written as a URL. */
export function isUrl(value: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(value);
}

/**
 * What is wrong with the URL of a service the gateway calls, or null; the text never repeats the URL.
 * Source: credentials in a URL end up in logs and error messages, so they are refused.
 */
export function serviceUrlFault(value: string): string | null {
  const url = URL.parse(value);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    return 'must be an http or https URL';
  }
  if (url.username !== '' || url.password !== '') {
    return 'must not carry a user name or password';
  }
  return url.hash === '' ? null : 'must not carry a fragment (#…)';
}

/** The URL of a subgraph: http is allowed, since the network between gateway and subgraph may be private. */
export function serviceUrlKey(about: string) {
  return z
    .string()
    .max(2048)
    .check((context) => {
      const fault = serviceUrlFault(context.value);
      if (fault !== null) {
        context.issues.push({ code: 'custom', message: fault, input: context.value });
      }
    })
    .describe(about);
}

/** A service on another machine is reached over TLS. */
export function secureUrlKey(about: string) {
  return z
    .string()
    .max(2048)
    .check((context) => {
      const parsed = URL.parse(context.value);
      const plain = parsed?.protocol === 'http:' && !isLoopbackHost(parsed.hostname);
      const message =
        serviceUrlFault(context.value) ?? (plain ? 'must be https, except on this machine' : null);
      if (message !== null) context.issues.push({ code: 'custom', message, input: context.value });
    })
    .describe(about);
}

/** Header fields that the gateway sends along, such as a token. */
export function sentHeadersKey(about: string) {
  const name = z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/u, 'must be a header name')
    .toLowerCase();
  const value = z
    .string()
    .max(4096)
    .regex(/^[\t\x20-\x7e]*$/u, 'must be printable ASCII');
  return z.record(name, value).describe(about);
}
