import type { KeyObject } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Agent, fetch } from 'undici';
import { GatewayError } from '../errors.ts';
import { jwksUrl } from './jwks-url.ts';
import { type KeySet, parseKeySet, selectKey } from './key-set.ts';
import type { KeyHeader, KeySource } from './key-source.ts';
import { type RefreshDeps, RefreshingKeySource, type RefreshLimits } from './refreshing-key-source.ts';
import { keysUnavailable, refusal } from './refusal.ts';
import { parseStrictJson } from './strict-json.ts';

export interface RemoteJwksOptions extends RefreshLimits {
  /** For the whole exchange: connecting, headers and body. */
  readonly timeoutMs: number;
  /** After decompression. */
  readonly responseBytesMax: number;
}

/**
 * An issuer's keys at a URL; fetched when first needed, so that the gateway can start before the issuer.
 * Throws: CONFIG_INVALID for a URL that keys must not be fetched from.
 * Invariant: redirects are not followed, since the configured host alone is trusted.
 */
export class RemoteJwksSource implements KeySource {
  readonly #url: URL;
  readonly #options: RemoteJwksOptions;
  readonly #agent: Agent;
  readonly #closing = new AbortController();
  readonly #keys: RefreshingKeySource;

  constructor(url: string, options: RemoteJwksOptions, deps: RefreshDeps) {
    this.#url = jwksUrl(url);
    this.#options = options;
    this.#agent = new Agent({ connections: 1, connect: { timeout: options.timeoutMs } });
    this.#keys = new RefreshingKeySource(() => this.#fetch(), options, deps);
  }

  keyFor(header: KeyHeader): Promise<KeyObject> {
    return this.#keys.keyFor(header);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#keys.close();
    await this.#agent.destroy();
  }

  async #fetch(): Promise<unknown> {
    const response = await fetch(this.#url, {
      dispatcher: this.#agent,
      redirect: 'manual',
      headers: { accept: 'application/jwk-set+json, application/json' },
      signal: AbortSignal.any([AbortSignal.timeout(this.#options.timeoutMs), this.#closing.signal]),
    });
    if (response.status !== 200 || response.body === null) {
      await response.body?.cancel();
      throw new Error(`The JWKS endpoint answered with status ${response.status}.`);
    }
    return parsed(await collect(response.body, this.#options.responseBytesMax));
  }
}

/** A file changes rarely and costs little to read: a withdrawn key stops within a minute. */
export const FILE_REFRESH_LIMITS: RefreshLimits = {
  refreshIntervalSeconds: 60,
  cooldownSeconds: 5,
  staleMaxSeconds: 3600,
};
/** Larger than any set of `KEYS_MAX` keys. */
export const JWKS_FILE_BYTES_MAX = 1_048_576;
/** A path may be a pipe or a network mount that never answers. */
const FILE_TIMEOUT_MS = 5_000;

/** An issuer's keys in a file, read again at a bounded rate, so that keys rotate by replacing it. */
export class FileJwksSource implements KeySource {
  readonly #path: string;
  readonly #keys: RefreshingKeySource;

  constructor(path: string, deps: RefreshDeps) {
    this.#path = path;
    this.#keys = new RefreshingKeySource(() => this.#read(), FILE_REFRESH_LIMITS, deps);
  }

  keyFor(header: KeyHeader): Promise<KeyObject> {
    return this.#keys.keyFor(header);
  }

  close(): Promise<void> {
    return this.#keys.close();
  }

  async #read(): Promise<unknown> {
    // `end` is inclusive: one byte more than the bound is read, to tell a file of that size from a larger one.
    const file = createReadStream(this.#path, {
      end: JWKS_FILE_BYTES_MAX,
      signal: AbortSignal.timeout(FILE_TIMEOUT_MS),
    });
    return parsed(await collect(file, JWKS_FILE_BYTES_MAX));
  }
}

/**
 * Keys that are part of the configuration and never change.
 * Throws: CONFIG_INVALID where the set has no usable key.
 */
export class StaticJwksSource implements KeySource {
  readonly #keys: KeySet;
  #closed = false;

  constructor(jwks: unknown) {
    this.#keys = configuredKeys(jwks);
  }

  async keyFor(header: KeyHeader): Promise<KeyObject> {
    if (this.#closed) throw keysUnavailable(new Error('The key source is closed.'), 1);
    const found = selectKey(this.#keys, header);
    if (typeof found === 'string') throw refusal(found);
    return found;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }
}

function configuredKeys(jwks: unknown): KeySet {
  let keys: KeySet;
  try {
    keys = parseKeySet(jwks);
  } catch (cause) {
    throw new GatewayError('CONFIG_INVALID', { cause, details: [{ message: 'The key set is not a JWKS.' }] });
  }
  if (keys.length > 0) return keys;
  throw new GatewayError('CONFIG_INVALID', { details: [{ message: 'The key set has no usable key.' }] });
}

async function collect(chunks: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (bytes > bytesMax) throw new RangeError(`The JWKS is larger than ${bytesMax} bytes.`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

function parsed(bytes: Uint8Array): unknown {
  const json = parseStrictJson(bytes);
  if (!json.ok) throw new TypeError(`The JWKS is refused as JSON: ${json.fault}.`);
  return json.value;
}
