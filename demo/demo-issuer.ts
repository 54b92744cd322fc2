import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';

/** What a demo token says of its bearer. */
export interface DemoPerson {
  readonly subject: string;
  /** Null for who belongs to none. */
  readonly tenant: string | null;
  readonly scopes: readonly string[];
  readonly roles?: readonly string[];
  /** How the person authenticated, by RFC 8176. */
  readonly amr?: readonly string[];
  readonly freshlyAuthenticated?: boolean;
}

/** Stands in for an identity provider: signs tokens with a key made for this run. */
export interface DemoIssuer {
  readonly jwksFile: string;
  token(person: DemoPerson): Promise<string>;
}

export const DEMO_ISSUER = 'https://login.demo.portcullis.dev';
const KEY_ID = 'demo';
const TOKEN_LIFETIME = '8h';

/** Makes the issuer's key and writes its public half where the gateway reads it. */
export async function createDemoIssuer(directory: string): Promise<DemoIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwksFile = join(directory, 'jwks.json');
  const jwk = { ...(await exportJWK(publicKey)), kid: KEY_ID, alg: 'ES256', use: 'sig' };
  await mkdir(directory, { recursive: true });
  await writeFile(jwksFile, JSON.stringify({ keys: [jwk] }));
  return { jwksFile, token: (person) => sign(person, privateKey) };
}

function sign(person: DemoPerson, key: CryptoKey): Promise<string> {
  const { subject, tenant, scopes, roles = [], amr, freshlyAuthenticated = false } = person;
  return new SignJWT({
    ...{ scope: scopes.join(' '), roles },
    ...(tenant === null ? {} : { tenant, client_id: 'demo-shop' }),
    ...(amr === undefined ? {} : { amr }),
    ...(freshlyAuthenticated ? { auth_time: Math.floor(Date.now() / 1000) } : {}),
  })
    .setProtectedHeader({ alg: 'ES256', kid: KEY_ID, typ: 'JWT' })
    .setIssuer(DEMO_ISSUER)
    .setAudience('portcullis-demo')
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime(TOKEN_LIFETIME)
    .sign(key);
}
