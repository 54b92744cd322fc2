import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { GatewayError } from '../errors.ts';
import { ApiKeys } from './api-keys.ts';
import type { VerifiedCredential } from './claims.ts';
import { credentialOf, isToken68, type PresentedCredentials } from './credentials.ts';
import { checkIdentityOptions, type IdentityOptions, type JwtIssuerOptions } from './identity-options.ts';
import { type IssuerTable, verifyJwt } from './jwt.ts';
import { ANONYMOUS, type Principal } from './principal.ts';
import { refusal } from './refusal.ts';

export interface IdentityDeps {
  /** Units: milliseconds since the epoch. */
  now(): number;
}

/** Turns the credentials of a request into its principal. */
export interface Identifier {
  /**
   * Answers at once for a token that was verified before, with the same principal each time.
   * Throws (or rejects with): UNAUTHENTICATED, IDENTITY_UNAVAILABLE, SERVER_OVERLOADED.
   */
  identify(request: PresentedCredentials): Principal | Promise<Principal>;
  /**
   * Refuses a credential from now on and until this identifier ends.
   * Throws: SERVER_OVERLOADED when the list is full: dropping an older revocation would let that credential in again.
   */
  revoke(credentialId: string): void;
  /** Tokens that are known, and those that are being verified. */
  readonly counts: { readonly tokens: number; readonly verifying: number };
  close(): Promise<void>;
}

/** Age at which a cached token is verified again: so long can a key withdrawn by its issuer still count. */
export const REVERIFY_SECONDS = 300;
/** Verifications under way at once; many can pile up only while an issuer's keys are slow to come. */
export const VERIFICATIONS_MAX = 4096;
/** Revoked credentials remembered; about 20 MB when full. */
export const REVOCATIONS_MAX = 100_000;

/** A verified token; a token that has since expired stays, so that sending it again costs no verification. */
interface CachedCredential extends VerifiedCredential {
  readonly verifiedAtSeconds: number;
}

/**
 * An identifier over the configured issuers; it owns their key sources and closes them.
 * Failures are not cached: who forges tokens never sends the same one twice, so that cache would only be
 * memory for anyone to fill.
 * Throws: CONFIG_INVALID.
 */
export function createIdentifier(options: IdentityOptions, deps: IdentityDeps): Identifier {
  checkIdentityOptions(options);
  return new TokenIdentifier(options, deps);
}

class TokenIdentifier implements Identifier {
  readonly #options: IdentityOptions;
  readonly #deps: IdentityDeps;
  readonly #issuers: IssuerTable;
  /** Null where none are taken. */
  readonly #apiKeys: ApiKeys | null;
  /** By digest, so that the memory of the process does not hold usable tokens. */
  readonly #cache: LRUCache<string, CachedCredential>;
  /** By the header they came in, which is one array for all requests of a connection that have the same head. */
  readonly #digests = new WeakMap<readonly string[], string>();
  readonly #verifying = new Map<string, Promise<Principal>>();
  readonly #revoked = new Set<string>();

  constructor(options: IdentityOptions, deps: IdentityDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#issuers = Map.groupBy(options.jwt, (issuer: JwtIssuerOptions) => issuer.issuer);
    this.#apiKeys =
      options.apiKeys === undefined ? null : new ApiKeys(options.apiKeys, options.tokenCacheMax);
    this.#cache = new LRUCache({ max: options.tokenCacheMax });
  }

  identify(request: PresentedCredentials): Principal | Promise<Principal> {
    const credential = credentialOf(request, this.#apiKeys !== null);
    if (credential === null) {
      if (this.#options.anonymous) return ANONYMOUS;
      throw refusal('credential_missing');
    }
    const { kind, value: token } = credential;
    if (this.#apiKeys !== null && kind === 'apiKey') {
      const principal = this.#apiKeys.principalOf(token, this.#deps.now());
      if (this.#revoked.has(principal.credentialId ?? '')) throw refusal('credential_revoked', 'ApiKey');
      return principal;
    }
    // Before the digest: its cost grows with what the caller sent.
    if (token.length > this.#options.tokenBytesMax) throw refusal('token_too_large');
    const digest = this.#digestOf(token, request.authorization);
    const nowSeconds = this.#nowSeconds();
    const cached = this.#cache.get(digest);
    if (cached !== undefined) {
      requireValidAt(cached, nowSeconds);
      const ageSeconds = nowSeconds - cached.verifiedAtSeconds;
      if (ageSeconds >= 0 && ageSeconds < REVERIFY_SECONDS) return cached.principal;
    }
    return this.#verifyShared(token, digest);
  }

  get counts(): { readonly tokens: number; readonly verifying: number } {
    return { tokens: this.#cache.size, verifying: this.#verifying.size };
  }

  revoke(credentialId: string): void {
    for (const [digest, { principal }] of this.#cache.entries()) {
      if (principal.credentialId === credentialId) this.#cache.delete(digest);
    }
    if (this.#revoked.has(credentialId)) return;
    if (this.#revoked.size >= REVOCATIONS_MAX)
      throw new GatewayError('SERVER_OVERLOADED', { cause: 'revocations_max' });
    this.#revoked.add(credentialId);
  }

  async close(): Promise<void> {
    const sources = new Set(this.#options.jwt.map((issuer) => issuer.keys));
    await Promise.all([...sources].map((source) => source.close()));
    this.#cache.clear();
  }

  /** One verification per token at a time: a burst of one caller after a restart costs one signature check. */
  #verifyShared(token: string, digest: string): Promise<Principal> {
    const running = this.#verifying.get(digest);
    if (running !== undefined) return running;
    if (!isToken68(token)) throw refusal('credential_malformed');
    if (this.#verifying.size >= VERIFICATIONS_MAX) {
      throw new GatewayError('SERVER_OVERLOADED', { cause: 'verifications_max' });
    }
    const started = this.#verify(token, digest).finally(() => this.#verifying.delete(digest));
    this.#verifying.set(digest, started);
    return started;
  }

  async #verify(token: string, digest: string): Promise<Principal> {
    const verified = await verifyJwt(token, {
      issuers: this.#issuers,
      tokenBytesMax: this.#options.tokenBytesMax,
      nowSeconds: this.#nowSeconds(),
    });
    // The keys may have been slow to come.
    const nowSeconds = this.#nowSeconds();
    requireValidAt(verified, nowSeconds);
    const { credentialId } = verified.principal;
    if (credentialId !== null && this.#revoked.has(credentialId)) throw refusal('credential_revoked');
    // The same bytes mean the same claims: what callers keyed by the principal of before stays theirs.
    const principal = this.#cache.peek(digest)?.principal ?? verified.principal;
    this.#cache.set(digest, { ...verified, principal, verifiedAtSeconds: nowSeconds });
    return principal;
  }

  #digestOf(token: string, header: readonly string[]): string {
    const known = this.#digests.get(header);
    if (known !== undefined) return known;
    const digest = hash('sha256', token, 'base64url');
    this.#digests.set(header, digest);
    return digest;
  }

  #nowSeconds(): number {
    return Math.floor(this.#deps.now() / 1000);
  }
}

function requireValidAt(credential: VerifiedCredential, nowSeconds: number): void {
  if (nowSeconds >= credential.validUntilSeconds) throw refusal('token_expired');
  if (nowSeconds < credential.validFromSeconds) throw refusal('token_not_yet_valid');
}
