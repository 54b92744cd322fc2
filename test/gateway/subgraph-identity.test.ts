import { parse } from 'graphql';
import { generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningSubgraph, startSubgraph } from '../../subgraphs/kit/subgraph-server.ts';
import { exchange } from '../listener/raw-http.ts';
import {
  ask,
  createAssertionKey,
  type Folder,
  folder,
  startTestGateway,
  type TestGateway,
} from './gateway-kit.ts';
import { assertedClaims, federated, startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

const WHO = federated('type Query { strictly: String }');

describe('what a subgraph learns of the caller', () => {
  const EXPOSURES = ['none', 'tenant', 'principal'] as const;
  let seen: Map<string, TinySubgraph>;
  let strict: RunningSubgraph;
  let where: Folder;
  let key: Awaited<ReturnType<typeof createAssertionKey>>;
  let gateway: TestGateway;

  beforeAll(async () => {
    where = folder();
    key = await createAssertionKey(where);
    seen = new Map();
    for (const name of EXPOSURES) {
      const sdl = federated(`type Query { ${name}: String }`);
      seen.set(name, await startTinySubgraph(name, sdl, { Query: { [name]: () => name } }));
    }
    strict = await startSubgraph({
      name: 'strict',
      typeDefs: parse(WHO),
      resolvers: {
        Query: {
          strictly: (_: unknown, __: unknown, { principal }) => `${principal.tenant}/${principal.subject}`,
        },
      },
      port: 0,
      trust: { jwks: key.jwks },
      log: () => undefined,
    });
    gateway = await startTestGateway([...seen.values(), { name: 'strict', url: strict.url, sdl: WHO }], {
      assertion: { keyFile: key.keyFile, lifetimeSeconds: 60 },
      subgraphs: {
        none: { identity: 'none' },
        tenant: { identity: 'tenant', forwardHeaders: ['X-Trace'] },
        principal: { identity: 'principal', forwardHeaders: ['x-Trace', 'Authorization', 'accept-language'] },
      },
    });
  });
  afterAll(async () => {
    await gateway?.close();
    await Promise.all([...(seen?.values() ?? []), strict].map((subgraph) => subgraph?.close()));
    where?.remove();
  });

  const last = (name: (typeof EXPOSURES)[number]) => seen.get(name)?.received.at(-1);
  const CALLER = { sub: 'ada', tenant: 'acme', client_id: 'shop', scope: 'a b' };

  it('is only what config says it may see', async () => {
    const token = await gateway.issuer.token(CALLER);
    await ask(gateway.url, '{ none tenant principal }', { token });
    const common = {
      iss: 'portcullis',
      aud: 'portcullis-subgraphs',
      iat: expect.any(Number),
      exp: expect.any(Number),
    };
    expect(assertedClaims(last('none'))).toEqual({ ...common, sub: 'gateway', kind: 'anonymous' });
    expect(assertedClaims(last('tenant'))).toEqual({
      ...common,
      sub: 'tenant',
      kind: 'anonymous',
      tenant: 'acme',
    });
    expect(assertedClaims(last('principal'))).toEqual({
      ...common,
      sub: 'ada',
      kind: 'user',
      tenant: 'acme',
      scope: 'a b',
      client_id: 'shop',
    });
  });

  it('is never another caller’s, however many ask at once', async () => {
    const tenants = Array.from({ length: 20 }, (_, index) => `tenant-${index}`);
    const tokens = await Promise.all(
      tenants.map((tenant) => gateway.issuer.token({ sub: `person-of-${tenant}`, tenant })),
    );
    const answers = await Promise.all(
      [...tokens, ...tokens, ...tokens].map((token) => ask(gateway.url, '{ strictly tenant }', { token })),
    );
    expect(answers.map(({ body }) => body.data?.['strictly'])).toEqual(
      [...tenants, ...tenants, ...tenants].map((tenant) => `${tenant}/person-of-${tenant}`),
    );
  });

  it('holds only the headers that config names, in whatever case, and none of one connection', async () => {
    const token = await gateway.issuer.token(CALLER);
    const headers = {
      'X-TRACE': 't-1',
      'accept-language': 'de',
      cookie: 'session=1',
      'x-other': 'o',
      'proxy-authorization': 'Basic x',
      'x-forwarded-for': '10.0.0.1',
      te: 'trailers',
    };
    await ask(gateway.url, '{ none tenant principal }', { token, headers });
    const ours = ['accept', 'content-length', 'content-type', 'host', 'x-portcullis-assertion'];
    const names = (name: (typeof EXPOSURES)[number]) =>
      Object.keys(last(name)?.headers ?? {})
        .filter((each) => each !== 'connection')
        .sort();
    expect(names('none')).toEqual(ours);
    expect(names('tenant')).toEqual([...ours, 'x-trace'].sort());
    expect(names('principal')).toEqual([...ours, 'x-trace', 'authorization', 'accept-language'].sort());
    expect(last('principal')?.headers).toMatchObject({
      authorization: [`Bearer ${token}`],
      'x-trace': ['t-1'],
      'content-type': ['application/json'],
    });
  });

  it.each([
    'x-portcullis-assertion',
    'X-Portcullis-Assertion',
    'X-PORTCULLIS-ASSERTION',
    'x-portcullis-tenant',
  ])('never holds what a client sends as %s', async (name) => {
    await ask(gateway.url, '{ none tenant principal }', { headers: { [name]: 'forged' } });
    for (const exposure of EXPOSURES) {
      const headers = last(exposure)?.headers ?? {};
      expect(JSON.stringify(headers)).not.toContain('forged');
      expect(headers['x-portcullis-assertion']).toHaveLength(1);
    }
    expect(assertedClaims(last('principal'))).toMatchObject({ kind: 'anonymous' });
  });

  it.each(['x-portcullis-assertion', 'X-Portcullis-Tenant', 'Connection', 'HOST'])(
    'cannot be widened by listing %s in config',
    async (name) => {
      const listed = startTestGateway([...seen.values()], {
        subgraphs: { none: { forwardHeaders: [name] } },
      });
      await expect(listed).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    },
  );

  it('is not told by header fields that the client’s Connection field names', async () => {
    const port = Number(new URL(gateway.url).port);
    const text = JSON.stringify({ query: '{ tenant }' });
    const answer = await exchange(
      port,
      [
        'POST /graphql HTTP/1.1',
        'host: gateway',
        'content-type: application/json',
        'connection: close, x-trace',
        'x-trace: of-this-connection',
        `content-length: ${text.length}`,
        '',
        text,
      ].join('\r\n'),
    );
    expect(answer.status).toBe(200);
    expect(last('tenant')?.headers['x-trace']).toBeUndefined();
  });

  it('is believed by the kit only from its own gateway and in its time', async () => {
    const send = async (assertion: string | null): Promise<number> => {
      const response = await fetch(strict.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(assertion === null ? {} : { 'x-portcullis-assertion': assertion }),
        },
        body: JSON.stringify({ query: '{ strictly }' }),
      });
      await response.text();
      return response.status;
    };
    const token = await gateway.issuer.token(CALLER);
    await ask(gateway.url, '{ principal }', { token });
    const [genuine = ''] = last('principal')?.headers['x-portcullis-assertion'] ?? [];
    const { privateKey } = await generateKeyPair('Ed25519');
    const foreign = await new SignJWT({ kind: 'user', tenant: 'acme' })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'gateway-test', typ: 'portcullis-assertion+jwt' })
      .setIssuer('portcullis')
      .setAudience('portcullis-subgraphs')
      .setSubject('ada')
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(privateKey);
    expect(await send(genuine)).toBe(200);
    expect(await send(null)).toBe(401);
    expect(await send(foreign)).toBe(401);
    expect(await send(token)).toBe(401);
    expect(await send(`${genuine.slice(0, -8)}AAAAAAAA`)).toBe(401);
  });
});
