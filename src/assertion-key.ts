import { exportJWK, generateKeyPair } from 'jose';

/** Makes a private key that signs assertions, as `assertion.keyFile` would hold it. */
export async function makeAssertionKey(): Promise<Record<string, string>> {
  const { privateKey } = await generateKeyPair('Ed25519', { extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  if (kty === undefined || crv === undefined || x === undefined || d === undefined)
    throw new Error('the platform made no Ed25519 key');
  return { kty, crv, x, d };
}
