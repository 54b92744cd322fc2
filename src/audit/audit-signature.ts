import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { z } from 'zod';

/** Signs the markers of a log. */
export interface AuditSigner {
  readonly keyId: string;
  /** Lower-case hexadecimal signature of a line's hash. */
  sign(hash: string): string;
  /** A secret of 32 bytes that follows from the key and a purpose, and tells nothing of either. Source: RFC 5869. */
  secretFor(purpose: string): Uint8Array;
}

/** Tells whether a marker was signed by the key that is trusted. */
export interface AuditVerifier {
  readonly keyId: string;
  verify(hash: string, signature: string): boolean;
}

const publicPart = { kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.base64url().length(43) };
const publicJwk = z.object(publicPart);
const privateJwk = z.object({ ...publicPart, d: z.base64url().length(43) });

/** Keeps a signature from meaning anything anywhere else. */
const CONTEXT = 'portcullis-audit-v1:';

/** Throws: what zod or the system says of a key that is no Ed25519 private JWK. */
export function createAuditSigner(jwk: unknown): AuditSigner {
  const parsed = privateJwk.parse(jwk);
  const key = createPrivateKey({ key: parsed, format: 'jwk' });
  return {
    keyId: thumbprint(parsed.x),
    secretFor: (purpose) =>
      new Uint8Array(hkdfSync('sha256', Buffer.from(parsed.d, 'base64url'), '', `portcullis ${purpose}`, 32)),
    sign: (hash) => sign(null, Buffer.from(CONTEXT + hash), key).toString('hex'),
  };
}

/** Takes a public key, or a private one of which only the public part is used. Throws: as `createAuditSigner`. */
export function createAuditVerifier(jwk: unknown): AuditVerifier {
  const parsed = publicJwk.parse(jwk);
  const key: KeyObject = createPublicKey({ key: parsed, format: 'jwk' });
  return {
    keyId: thumbprint(parsed.x),
    verify: (hash, signature) =>
      verify(null, Buffer.from(CONTEXT + hash), key, Buffer.from(signature, 'hex')),
  };
}

/** What may be given away of a key. */
export function publicAuditKey(jwk: unknown): Readonly<Record<string, string>> {
  const { kty, crv, x } = publicJwk.parse(jwk);
  return { kty, crv, x, kid: thumbprint(x), alg: 'EdDSA', use: 'sig' };
}

/** Source: RFC 7638 and RFC 8037 §2. */
function thumbprint(x: string): string {
  return createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
}
