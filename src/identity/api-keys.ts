import { createHmac, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { ApiKeyRecord, CredentialDirectory } from './credential-directory.ts';
import type { Principal } from './principal.ts';
import { refusal } from './refusal.ts';

/** Prefix and 32 random bytes; the form is told from the text alone, so a fault in it needs no digest. */
const API_KEY = /^pk_([A-Za-z0-9]{4,64})_[A-Za-z0-9_-]{43}$/u;
const DIGEST_BYTES = 32;
/** Stands in where a prefix is unknown, so that guessing prefixes takes as long as guessing keys. */
const NO_DIGEST = Buffer.alloc(DIGEST_BYTES);

/** Judges API keys against directories, asked in order. */
export class ApiKeys {
  readonly #directories: readonly CredentialDirectory[];
  /** By credential, with what it was made from: the same key stays the same principal until its facts change. */
  readonly #principals: LRUCache<string, { readonly facts: string; readonly principal: Principal }>;
  /** The usual case: a record that has not been replaced since its last use. */
  readonly #ofRecords = new WeakMap<ApiKeyRecord, Principal>();

  constructor(directories: readonly CredentialDirectory[], principalsMax: number) {
    this.#directories = directories;
    this.#principals = new LRUCache({ max: principalsMax });
  }

  /**
   * The principal of a key at a time; nothing of the judgement is cached. Units: milliseconds since the epoch.
   * Throws: UNAUTHENTICATED.
   */
  principalOf(key: string, nowMs: number): Principal {
    const prefix = API_KEY.exec(key)?.[1];
    if (prefix === undefined) throw refusal('credential_malformed', 'ApiKey');
    const record = this.#find(prefix, key);
    if (record === null) throw refusal('api_key_unknown', 'ApiKey');
    if (record.revokedAt !== null && nowMs >= record.revokedAt) throw refusal('credential_revoked', 'ApiKey');
    const endsAt = endOf(record);
    if (endsAt !== null && nowMs >= endsAt) throw refusal('api_key_expired', 'ApiKey');
    if (nowMs < record.notBefore) throw refusal('api_key_not_yet_valid', 'ApiKey');
    return this.#principal(record);
  }

  /** Every record of the prefix is compared, whether or not one fitted already. */
  #find(prefix: string, key: string): ApiKeyRecord | null {
    let found: ApiKeyRecord | null = null;
    for (const directory of this.#directories) {
      const digest = createHmac('sha256', directory.pepper).update(key).digest();
      const records = directory.find(prefix);
      if (records.length === 0) timingSafeEqual(digest, NO_DIGEST);
      for (const record of records) {
        const expected = Buffer.from(record.hash, 'base64url');
        const isWhole = expected.length === DIGEST_BYTES;
        const fits = timingSafeEqual(digest, isWhole ? expected : NO_DIGEST) && isWhole;
        if (fits) found ??= record;
      }
    }
    return found;
  }

  #principal(record: ApiKeyRecord): Principal {
    const known = this.#ofRecords.get(record);
    if (known !== undefined) return known;
    const facts = JSON.stringify(record);
    const before = this.#principals.get(record.id);
    const principal = before?.facts === facts ? before.principal : principalFrom(record);
    this.#principals.set(record.id, { facts, principal });
    this.#ofRecords.set(record, principal);
    return principal;
  }
}

/** The end of a key: its expiry, or the end of its time of grace where that comes first. */
function endOf({ expiresAt, graceUntil }: ApiKeyRecord): number | null {
  if (expiresAt === null || graceUntil === null) return expiresAt ?? graceUntil;
  return Math.min(expiresAt, graceUntil);
}

/** A key proves an application and no person: it has no authentication time and no second factor. */
function principalFrom(record: ApiKeyRecord): Principal {
  const endsAt = endOf(record);
  return Object.freeze({
    kind: 'service',
    subject: record.subject,
    tenant: record.tenant,
    application: record.application,
    scopes: new Set(record.scopes),
    roles: new Set(record.roles),
    acr: null,
    amr: Object.freeze([]),
    authTime: null,
    issuer: null,
    credentialId: record.id,
    expiresAt: endsAt === null ? null : Math.floor(endsAt / 1000),
  });
}
