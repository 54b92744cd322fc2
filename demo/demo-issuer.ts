import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';

/** What a demo token says of its bearer. */
export interface DemoPerson {
  readonly subject: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
  readonly roles?: readonly string[];
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

function sign({ subject, tenant, scopes, roles = [] }: DemoPerson, key: CryptoKey): Promise<string> {
  return new SignJWT({ tenant, scope: scopes.join(' '), roles, client_id: 'demo-shop' })
    .setProtectedHeader({ alg: 'ES256', kid: KEY_ID, typ: 'JWT' })
    .setIssuer(DEMO_ISSUER)
    .setAudience('portcullis-demo')
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime(TOKEN_LIFETIME)
    .sign(key);
}
