/** What kind of key an algorithm needs. */
export interface SignatureAlgorithm {
  readonly kty: 'RSA' | 'EC' | 'OKP';
  readonly crv: string | null;
}

const rsa: SignatureAlgorithm = { kty: 'RSA', crv: null };
const ed25519: SignatureAlgorithm = { kty: 'OKP', crv: 'Ed25519' };

/**
 * Every signature algorithm a token may use, with the key it needs.
 * Invariant: asymmetric only, so that a published key is never a secret to sign with (RFC 8725 section 2.1).
 */
export const SIGNATURE_ALGORITHMS: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['RS256', rsa],
  ['RS384', rsa],
  ['RS512', rsa],
  ['PS256', rsa],
  ['PS384', rsa],
  ['PS512', rsa],
  ['ES256', { kty: 'EC', crv: 'P-256' }],
  ['ES384', { kty: 'EC', crv: 'P-384' }],
  ['ES512', { kty: 'EC', crv: 'P-521' }],
  ['EdDSA', ed25519],
  ['Ed25519', ed25519],
]);
