import type { KeyObject } from 'node:crypto';

/** What a token's header says about the key that signed it. */
export interface KeyHeader {
  readonly alg: string;
  readonly kid: string | null;
}

/**
 * Where an issuer's verification keys come from.
 * Invariant: a key that is returned is public, fits `alg`, and was named by `kid` or is the only one that fits.
 */
export interface KeySource {
  /** Throws: UNAUTHENTICATED where the issuer has no such key, IDENTITY_UNAVAILABLE where that cannot be known. */
  keyFor(header: KeyHeader): Promise<KeyObject>;
  close(): Promise<void>;
}
