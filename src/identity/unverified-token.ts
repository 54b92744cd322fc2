import { isKid } from './key-set.ts';
import type { KeyHeader } from './key-source.ts';
import { type RefusalReason, refusal } from './refusal.ts';
import { SIGNATURE_ALGORITHMS } from './signature-algorithm.ts';
import { isJsonObject, parseStrictJson } from './strict-json.ts';

/** What a token claims to be before anyone has checked its signature: good for choosing how to check, nothing else. */
export interface UnverifiedToken {
  readonly header: KeyHeader;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The part of the token that the signature covers. */
  readonly signingInput: string;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Headers that bring or point to the key: trusting one lets the sender choose it (RFC 8725 section 3.10). */
const KEY_HEADERS = ['jku', 'x5u', 'jwk', 'x5c'];
const TYPES: ReadonlySet<string> = new Set(['jwt', 'at+jwt']);

/**
 * Reads a compact JWS and refuses, before any cryptography, all that could never be accepted.
 * Throws: UNAUTHENTICATED.
 * Source: RFC 7515 section 5.2, RFC 8725 sections 3.1, 3.10 and 3.11, RFC 9068 section 4.
 */
export function readUnverified(token: string, tokenBytesMax: number): UnverifiedToken {
  // Only ASCII passes below, so characters are bytes.
  if (token.length > tokenBytesMax) throw refusal('token_too_large');
  // One split too many at most, whatever number of dots the sender wrote.
  const [header, payload, signature, surplus] = token.split('.', 4);
  if (header === undefined || payload === undefined || signature === undefined || surplus !== undefined) {
    throw refusal('token_malformed');
  }
  const headerBytes = decodeSegment(header);
  const payloadBytes = decodeSegment(payload);
  decodeSegment(signature);
  const checkedHeader = checkHeader(readObject(headerBytes, 'header_malformed'));
  return {
    header: checkedHeader,
    payload: readObject(payloadBytes, 'payload_malformed'),
    signingInput: `${header}.${payload}`,
  };
}

/** Only the canonical encoding passes: a second spelling of a token would escape its cache entry and its revocation. */
function decodeSegment(segment: string): Uint8Array {
  const bytes = Buffer.from(segment, 'base64url');
  if (segment === '' || bytes.toString('base64url') !== segment) throw refusal('token_malformed');
  return bytes;
}

function readObject(bytes: Uint8Array, malformed: RefusalReason): JsonObject {
  const json = parseStrictJson(bytes);
  if (!json.ok) throw refusal(json.fault === 'duplicate_member' ? 'duplicate_member' : malformed);
  if (!isJsonObject(json.value)) throw refusal(malformed);
  return json.value;
}

function checkHeader(header: JsonObject): KeyHeader {
  const { alg, kid, typ } = ownMembers(header);
  if (typeof alg !== 'string' || !SIGNATURE_ALGORITHMS.has(alg)) throw refusal('alg_not_allowed');
  if (KEY_HEADERS.some((name) => Object.hasOwn(header, name))) throw refusal('key_in_header');
  // No extension is understood, so any list of critical ones has one that is not; an empty list is malformed.
  if (Object.hasOwn(header, 'crit')) throw refusal('crit_not_supported');
  if (Object.hasOwn(header, 'b64')) throw refusal('b64_not_supported');
  if (typ !== undefined && !isAccessTokenType(typ)) throw refusal('typ_not_allowed');
  if (kid !== undefined && !isKid(kid)) throw refusal('kid_invalid');
  return { alg, kid: kid ?? null };
}

/** A copy without a prototype, so that a missing header is undefined whatever its name. */
function ownMembers(header: JsonObject): JsonObject {
  return Object.assign(Object.create(null), header);
}

function isAccessTokenType(typ: unknown): boolean {
  return typeof typ === 'string' && TYPES.has(typ.toLowerCase().replace(/^application\//, ''));
}
