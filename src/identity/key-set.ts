import { createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';
import type { KeyHeader } from './key-source.ts';
import { SIGNATURE_ALGORITHMS } from './signature-algorithm.ts';
import { isJsonObject } from './strict-json.ts';

/** A public key of a JSON Web Key Set that may verify signatures. */
export interface VerificationKey {
  readonly kid: string | null;
  /** The only algorithm the key may be used with; null where its set does not say. */
  readonly alg: string | null;
  readonly kty: string;
  readonly crv: string | null;
  readonly key: KeyObject;
}

export type KeySet = readonly VerificationKey[];

/** More keys than an issuer in rotation publishes; bounds the work of one refresh. */
export const KEYS_MAX = 100;
/** Longest key id that is looked up or kept. */
export const KID_CHARS_MAX = 256;
/** RFC 7518 section 3.3. */
const RSA_BITS_MIN = 2048;
/** Verification time grows with the square of the size: a larger key is a way to make the gateway slow. */
const RSA_BITS_MAX = 8192;
const RSA_EXPONENT_MIN = 3n;
const PUBLIC_MEMBERS = ['kty', 'crv', 'n', 'e', 'x', 'y'] as const;
const SECRET_MEMBERS = ['k', 'd', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'priv'];

/**
 * The usable keys of a JSON Web Key Set; a key that is symmetric, private, weak, for encryption or
 * not understood is left out, as RFC 7517 section 5 asks, and so can never verify anything.
 * Throws: TypeError where the document is no key set at all.
 */
export function parseKeySet(document: unknown): KeySet {
  const keys = isJsonObject(document) && Object.hasOwn(document, 'keys') ? document['keys'] : undefined;
  if (!Array.isArray(keys)) throw new TypeError('The document is not a JSON Web Key Set.');
  if (keys.length > KEYS_MAX) throw new TypeError(`The JSON Web Key Set has more than ${KEYS_MAX} keys.`);
  return keys.map(verificationKey).filter((key) => key !== null);
}

/** The one key that fits a header, or why there is none. */
export function selectKey(keys: KeySet, header: KeyHeader): KeyObject | 'key_unknown' | 'key_ambiguous' {
  const algorithm = SIGNATURE_ALGORITHMS.get(header.alg);
  const fitting = keys.filter(
    (key) =>
      key.kty === algorithm?.kty &&
      (algorithm.crv === null || key.crv === algorithm.crv) &&
      (key.alg === null || key.alg === header.alg) &&
      (header.kid === null || key.kid === header.kid),
  );
  const [first, second] = fitting;
  if (first === undefined) return 'key_unknown';
  return second === undefined ? first.key : 'key_ambiguous';
}

function verificationKey(jwk: unknown): VerificationKey | null {
  if (!isJsonObject(jwk) || SECRET_MEMBERS.some((name) => Object.hasOwn(jwk, name))) return null;
  const { kid, alg, kty, crv } = jwk;
  if (!isForVerifying(jwk) || typeof kty !== 'string') return null;
  if (kid !== undefined && !isKid(kid)) return null;
  if (alg !== undefined && (typeof alg !== 'string' || !SIGNATURE_ALGORITHMS.has(alg))) return null;
  const key = importPublic(jwk);
  if (key === null || !isStrong(key)) return null;
  return { kid: kid ?? null, alg: alg ?? null, kty, crv: typeof crv === 'string' ? crv : null, key };
}

/** Whether a value can name a key. */
export function isKid(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= KID_CHARS_MAX;
}

function isForVerifying(jwk: Readonly<Record<string, unknown>>): boolean {
  const { use, key_ops: operations } = jwk;
  if (use !== undefined && use !== 'sig') return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
}

function importPublic(jwk: Readonly<Record<string, unknown>>): KeyObject | null {
  const members: webcrypto.JsonWebKey = {};
  for (const name of PUBLIC_MEMBERS) {
    const value = jwk[name];
    if (typeof value === 'string') members[name] = value;
  }
  try {
    return createPublicKey({ key: members, format: 'jwk' });
  } catch {
    // A key of a kind or curve this runtime cannot import verifies nothing; the rest of the set stays usable.
    return null;
  }
}

function isStrong(key: KeyObject): boolean {
  if (key.asymmetricKeyType !== 'rsa') return true;
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  return modulusLength >= RSA_BITS_MIN && modulusLength <= RSA_BITS_MAX && publicExponent >= RSA_EXPONENT_MIN;
}
