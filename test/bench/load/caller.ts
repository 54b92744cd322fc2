import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { CALLER_SCOPES } from '../graph/subgraph-schemas.ts';

/** The one caller of the benchmark, and where its issuer's keys are. */
export interface Caller {
  readonly token: string;
  readonly jwksFile: string;
}

export const CALLER_ISSUER = 'https://issuer.bench.portcullis.dev';
export const CALLER_AUDIENCE = 'portcullis-bench';

/** An issuer of tokens of the algorithm that most issuers offer, with every scope that the rules ask for. */
export interface CallerIssuer {
  readonly jwksFile: string;
  /** Default: all scopes of the benchmark's graph. */
  token(tenant: string, scopes?: readonly string[]): Promise<string>;
}

/** Makes the key of an issuer. */
export async function createCallerIssuer(directory: string): Promise<CallerIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwksFile = join(directory, 'jwks.json');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' };
  writeFileSync(jwksFile, JSON.stringify({ keys: [jwk] }));
  return {
    jwksFile,
    token: (tenant, scopes = CALLER_SCOPES) =>
      new SignJWT({ tenant, scope: scopes.join(' '), client_id: 'bench' })
        .setProtectedHeader({ alg: 'ES256', kid: 'bench', typ: 'JWT' })
        .setIssuer(CALLER_ISSUER)
        .setAudience(CALLER_AUDIENCE)
        .setSubject('bench-caller')
        .setIssuedAt()
        .setExpirationTime('8h')
        .sign(privateKey),
  };
}

/** The caller of the benchmark. */
export async function createCaller(directory: string): Promise<Caller> {
  const { jwksFile, token } = await createCallerIssuer(directory);
  return { jwksFile, token: await token('acme') };
}
