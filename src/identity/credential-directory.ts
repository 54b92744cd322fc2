/**
 * What an API key stands for. Units: times in milliseconds since the epoch.
 */
export interface ApiKeyRecord {
  readonly id: string;
  /** HMAC-SHA-256 of the whole key under the directory's pepper, base64url. */
  readonly hash: string;
  /** Slug of the tenant. */
  readonly tenant: string;
  readonly application: string;
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly notBefore: number;
  readonly expiresAt: number | null;
  /** End of the time in which a key that was rotated still counts; null where it was not rotated. */
  readonly graceUntil: number | null;
  readonly revokedAt: number | null;
}

/**
 * Keys by their public prefix, read anew for each request: what it no longer has no longer counts.
 * Invariant: `find` answers from memory.
 */
export interface CredentialDirectory {
  /** Keys the digests of this directory's secrets. */
  readonly pepper: Uint8Array;
  find(prefix: string): readonly ApiKeyRecord[];
}

const NONE: readonly ApiKeyRecord[] = Object.freeze([]);

/** A directory of keys that never change, such as those of a configuration. */
export function staticDirectory(
  pepper: string,
  keys: readonly { readonly prefix: string; readonly record: ApiKeyRecord }[],
): CredentialDirectory {
  const records = new Map<string, ApiKeyRecord[]>();
  for (const { prefix, record } of keys) records.set(prefix, [...(records.get(prefix) ?? []), record]);
  return { pepper: Buffer.from(pepper, 'utf8'), find: (prefix) => records.get(prefix) ?? NONE };
}
