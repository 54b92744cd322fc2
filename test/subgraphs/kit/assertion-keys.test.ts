import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAssertionVerifier, type VerifyAssertion } from '../../../subgraphs/kit/assertion.ts';
import { createSigner } from '../support.ts';

const UNAVAILABLE = { code: 'IDENTITY_UNAVAILABLE', http: { status: 503 } };
let server: Server;
let url: string;
let fetches: number;
let publish: unknown;
let signer: Awaited<ReturnType<typeof createSigner>>;

beforeEach(async () => {
  signer = await createSigner();
  fetches = 0;
  publish = signer.jwks;
  server = createServer((_, response) => {
    fetches += 1;
    response.writeHead(publish === null ? 503 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(publish));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/.well-known/jwks.json`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function codeOf(verify: VerifyAssertion, assertion: string): Promise<unknown> {
  return verify([assertion]).then(
    () => 'ACCEPTED',
    (error: { extensions: Record<string, unknown> }) => error.extensions,
  );
}

describe('keys of a gateway that are published at a URL', () => {
  it('are fetched with the first assertion and once only', async () => {
    const verify = createAssertionVerifier({ jwks: url });
    expect(fetches).toBe(0);
    await Promise.all([verify([await signer.sign()]), verify([await signer.sign({ claims: { sub: 'b' } })])]);
    await verify([await signer.sign({ claims: { sub: 'c' } })]);
    expect(fetches).toBe(1);
  });

  it('refuse as unavailable while the gateway is away, then accept', async () => {
    publish = null;
    let nowMs = Date.now();
    const verify = createAssertionVerifier({ jwks: url, clockToleranceSeconds: 60 }, () => nowMs);
    const assertion = await signer.sign();
    expect(await codeOf(verify, assertion)).toEqual(UNAVAILABLE);
    publish = signer.jwks;
    nowMs += 500;
    expect(await codeOf(verify, assertion)).toBe('ACCEPTED');
  });

  it('are not asked for again within the moment after a failure', async () => {
    publish = null;
    let nowMs = Date.now();
    const verify = createAssertionVerifier({ jwks: url, clockToleranceSeconds: 60 }, () => nowMs);
    const assertion = await signer.sign();
    await codeOf(verify, assertion);
    nowMs += 499;
    expect(await codeOf(verify, assertion)).toEqual(UNAVAILABLE);
    expect(fetches).toBe(1);
  });

  it('are not asked for again at once for key ids that nobody published', async () => {
    const verify = createAssertionVerifier({ jwks: url });
    await verify([await signer.sign()]);
    for (const kid of ['a', 'b', 'c']) {
      const code = await codeOf(verify, await signer.sign({ header: { kid } }));
      expect(code).toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    expect(fetches).toBe(1);
  });

  it('refuse as unavailable where the answer is no key set', async () => {
    publish = { keys: 'none' };
    expect(await codeOf(createAssertionVerifier({ jwks: url }), await signer.sign())).toEqual(UNAVAILABLE);
  });

  it('refuse an assertion of a wrong algorithm without a fetch', async () => {
    const verify = createAssertionVerifier({ jwks: url });
    const [, claims] = (await signer.sign()).split('.');
    const header = Buffer.from('{"alg":"none","typ":"portcullis-assertion+jwt"}').toString('base64url');
    expect(await codeOf(verify, `${header}.${claims}.`)).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(fetches).toBe(0);
  });

  it.each([
    'http://gateway.example/jwks.json',
    'ftp://127.0.0.1/jwks.json',
    'http://127.0.0.1.example/jwks.json',
  ])('are not taken from %s', (jwks) => {
    expect(() => createAssertionVerifier({ jwks })).toThrow(TypeError);
  });

  it.each([
    'https://gateway.example/jwks.json',
    'http://localhost:4000/jwks.json',
    'http://[::1]:4000/jwks.json',
  ])('may be taken from %s', (jwks) => {
    expect(() => createAssertionVerifier({ jwks })).not.toThrow();
  });

  it('may be taken over plain HTTP from another machine where the operator says so', () => {
    const trust = { jwks: 'http://gateway.example/jwks.json', allowInsecureJwks: true };
    expect(() => createAssertionVerifier(trust)).not.toThrow();
  });
});
