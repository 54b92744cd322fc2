import { createPrivateKey, X509Certificate } from 'node:crypto';

/** What a private or public key file holds once checked, or why it cannot be used; never any of its text. */
export type KeyMaterial<T> = { readonly value: T } | { readonly fault: string };

const JWK_MEMBERS = ['kty', 'crv', 'x', 'd', 'kid'] as const;

/** The signing key of assertions. Errors of the parsers are dropped, since they may quote the key. */
export function parseAssertionKey(text: string): KeyMaterial<Record<string, string>> {
  const fault = { fault: 'must hold one Ed25519 private key as a JWK (kty OKP, crv Ed25519, x, d)' };
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null) {
      return fault;
    }
    const members = new Map(Object.entries(parsed));
    const key: Record<string, string> = {};
    for (const name of JWK_MEMBERS) {
      const value: unknown = members.get(name);
      if (typeof value === 'string') {
        key[name] = value;
      }
    }
    if (key['crv'] !== 'Ed25519' || key['d'] === undefined) {
      return fault;
    }
    createPrivateKey({ key, format: 'jwk' });
    return { value: key };
  } catch {
    return fault;
  }
}

/** A certificate chain, checked as far as that it can be read. */
export function parseCertificate(text: string): KeyMaterial<string> {
  try {
    new X509Certificate(text).validTo.toString();
    return { value: text };
  } catch {
    return { fault: 'must hold a certificate in PEM' };
  }
}

/** A private key, checked to be one and to belong to the certificate where that can be read. */
export function parsePrivateKey(text: string, certificate: string | null): KeyMaterial<string> {
  try {
    const key = createPrivateKey(text);
    if (certificate !== null && !new X509Certificate(certificate).checkPrivateKey(key)) {
      return { fault: 'is not the private key of the certificate' };
    }
    return { value: text };
  } catch {
    return { fault: 'must hold a private key in PEM, without a passphrase' };
  }
}
