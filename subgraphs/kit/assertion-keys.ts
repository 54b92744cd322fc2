import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose';

/** The gateway's keys cannot be had right now; says nothing about the assertion. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
}

/** How long one fetch of the gateway's keys may take. */
const FETCH_TIMEOUT_MS = 3_000;
/** An unknown key id makes the keys be fetched again, but no more often than this. */
const REFETCH_COOLDOWN_MS = 5_000;
/** After a failed fetch, requests are refused without another try for this long. */
const FAILURE_COOLDOWN_MS = 500;
/** How long a key that the gateway no longer publishes may stay in use. */
const KEYS_MAX_AGE_MS = 300_000;

export interface AssertionKeysOptions {
  /** The keys themselves, or the URL that publishes them. */
  readonly jwks: JSONWebKeySet | string;
  /** Permits plain HTTP to another machine: only where the network between is trusted. */
  readonly allowInsecureJwks: boolean;
  /** Units: milliseconds since the epoch. */
  readonly nowMs: () => number;
}

/**
 * Keys that verify the gateway's assertions; remote ones are fetched with the first request, so that a subgraph may
 * start before its gateway.
 * Throws: KeysUnavailableError where they cannot be fetched, from the key function; TypeError for a URL not allowed.
 */
export function assertionKeys(options: AssertionKeysOptions): JWTVerifyGetKey {
  return typeof options.jwks === 'string'
    ? remoteKeys(options.jwks, options)
    : createLocalJWKSet(options.jwks);
}

function remoteKeys(text: string, options: AssertionKeysOptions): JWTVerifyGetKey {
  const url = new URL(text);
  if (!isSecure(url) && !options.allowInsecureJwks) {
    throw new TypeError(
      'The keys of the gateway are fetched over https, or over http from a loopback address.',
    );
  }
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: REFETCH_COOLDOWN_MS,
    cacheMaxAge: KEYS_MAX_AGE_MS,
  });
  let failedAtMs = Number.NEGATIVE_INFINITY;
  return async (header, token) => {
    if (options.nowMs() - failedAtMs < FAILURE_COOLDOWN_MS) {
      throw new KeysUnavailableError('The keys could not be fetched a moment ago.');
    }
    try {
      return await keys(header, token);
    } catch (error) {
      if (saysSomethingAboutTheAssertion(error)) throw error;
      failedAtMs = options.nowMs();
      throw new KeysUnavailableError('The keys cannot be fetched.', { cause: error });
    }
  };
}

function saysSomethingAboutTheAssertion(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}

function isSecure(url: URL): boolean {
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
}
