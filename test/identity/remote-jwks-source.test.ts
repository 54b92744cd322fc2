import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RemoteJwksSource } from '../../src/identity/jwks-source.ts';
import {
  bearer,
  errorOf,
  expectRefusal,
  FakeClock,
  identifierWith,
  issuerOptions,
  JWKS,
  jwkOf,
  NOW,
  otherEcKey,
  token,
} from './token-kit.ts';

const EC = { alg: 'ES256', kid: 'ec' };
const _NEW = { alg: 'ES256', kid: 'new' };
const newSet = { keys: [jwkOf(otherEcKey, { kid: 'new' })] };
const text = JSON.stringify(JWKS);

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let handler: Handler;
const seen: IncomingMessage[] = [];
const server = createServer((request, response) => {
  seen.push(request);
  handler(request, response);
});
let url: string;
let clock: FakeClock;
const open: RemoteJwksSource[] = [];

const OPTIONS = {
  timeoutMs: 5_000,
  refreshIntervalSeconds: 600,
  cooldownSeconds: 30,
  staleMaxSeconds: 3600,
  responseBytesMax: 65_536,
};

function remote(changes: Partial<typeof OPTIONS> = {}, path = url): RemoteJwksSource {
  const source = new RemoteJwksSource(path, { ...OPTIONS, ...changes }, clock);
  open.push(source);
  return source;
}

async function expectUnavailable(action: () => unknown): Promise<void> {
  expect((await errorOf(action)).code).toBe('IDENTITY_UNAVAILABLE');
}

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
});

beforeEach(() => {
  clock = new FakeClock();
  seen.length = 0;
  handler = (_request, response) => response.end(text);
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((source) => source.close()));
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('RemoteJwksSource', () => {
  it('asks with GET and without credentials', async () => {
    await remote().keyFor(EC);
    expect(seen[0]?.method).toBe('GET');
    expect(seen[0]?.headers.authorization).toBeUndefined();
    expect(seen[0]?.headers.cookie).toBeUndefined();
  });

  it.each(['http://issuer.example/jwks', 'file:///etc/jwks.json', 'https://a:b@issuer.example/', ''])(
    'refuses the URL %j from the start',
    async (path) => {
      expect((await errorOf(() => remote({}, path))).code).toBe('CONFIG_INVALID');
    },
  );

  it.each([301, 302, 303, 307, 308])('does not follow a redirect with status %i', async (status) => {
    handler = (request, response) => {
      if (request.url === '/jwks') response.writeHead(status, { location: '/elsewhere' }).end();
      else response.end(text);
    };
    await expectUnavailable(() => remote().keyFor(EC));
    expect(seen.map((request) => request.url)).toEqual(['/jwks']);
  });

  it.each([201, 204, 206, 304, 400, 401, 403, 404, 429, 500, 503])(
    'refuses an answer with status %i, whatever its body',
    async (status) => {
      handler = (_request, response) => {
        response.writeHead(status);
        response.end(status === 204 || status === 304 ? undefined : text);
      };
      await expectUnavailable(() => remote().keyFor(EC));
    },
  );

  it.each([
    ['nothing', ''],
    ['HTML', '<html><body>Sign in</body></html>'],
    ['cut JSON', text.slice(0, -5)],
    ['no key set', '{"error":"x"}'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a repeated member', `{"keys":[],${text.slice(1)}`],
    ['a byte order mark', `\ufeff${text}`],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ])('refuses an answer of %s', async (_title, body) => {
    handler = (_request, response) => response.end(body);
    await expectUnavailable(() => remote().keyFor(EC));
  });

  it('accepts an answer of the largest size and refuses one byte more', async () => {
    expect((await remote({ responseBytesMax: text.length }).keyFor(EC)).type).toBe('public');
    await expectUnavailable(() => remote({ responseBytesMax: text.length - 1 }).keyFor(EC));
  });

  it('stops reading an answer without end', async () => {
    const ended = Promise.withResolvers<void>();
    handler = (_request, response) => {
      const chunk = Buffer.alloc(16_384, 0x20);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more).on('close', ended.resolve);
      more();
    };
    await expectUnavailable(() => remote().keyFor(EC));
    await ended.promise;
  });

  it('holds a compressed answer to the size it unpacks to', async () => {
    handler = (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(10_000_000, 0x20)));
    };
    await expectUnavailable(() => remote().keyFor(EC));
    handler = (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text));
    };
    expect((await remote().keyFor(EC)).type).toBe('public');
  });

  it.each<[string, Handler]>([
    ['never answers', () => undefined],
    ['never ends its headers', (_request, response) => response.socket?.write('HTTP/1.1 200 OK\r\n')],
    ['never ends its body', (_request, response) => response.write(text.slice(0, 20))],
  ])('gives up on an issuer that %s', async (_title, slow) => {
    handler = slow;
    await expectUnavailable(() => remote({ timeoutMs: 100 }).keyFor(EC));
  });

  it.each<[string, Handler]>([
    ['drops the connection', (request) => request.socket.destroy()],
    ['answers with what is not HTTP', (request) => request.socket.end('SSH-2.0-OpenSSH\r\n\r\n')],
    [
      'breaks off',
      (_request, response) => {
        response.writeHead(200, { 'content-length': '100000' });
        response.write(text, () => response.destroy());
      },
    ],
  ])('refuses an issuer that %s', async (_title, broken) => {
    handler = broken;
    await expectUnavailable(() => remote().keyFor(EC));
  });

  it('refuses an issuer that is not there', async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    await expectUnavailable(() => remote({}, `http://127.0.0.1:${port}/jwks`).keyFor(EC));
  });

  it('fetches once for many who need a key at the same time', async () => {
    const source = remote();
    await Promise.all(Array.from({ length: 30 }, () => source.keyFor(EC)));
    expect(seen).toHaveLength(1);
  });

  it('ends a fetch under way when it is closed', async () => {
    const asked = Promise.withResolvers<void>();
    handler = () => asked.resolve();
    const source = remote({ timeoutMs: 600_000 });
    const waiting = errorOf(() => source.keyFor(EC));
    await asked.promise;
    await source.close();
    expect((await waiting).code).toBe('IDENTITY_UNAVAILABLE');
  });
});

describe('tokens of an issuer that rotates its keys', () => {
  it('are accepted under the new key after the cooldown, at a bounded rate of fetches', async () => {
    const identifier = identifierWith({ jwt: [issuerOptions({ keys: remote() })] }, clock);
    const identify = (value: string) => identifier.identify(bearer(value));
    expect((await identify(token())).subject).toBe('user-1');
    handler = (_request, response) => response.end(JSON.stringify({ keys: [...JWKS.keys, ...newSet.keys] }));
    const rotated = () => token({}, { kid: 'new' }, otherEcKey);
    for (let count = 0; count < 20; count++) await expectRefusal(() => identify(rotated()), 'key_unknown');
    expect(seen).toHaveLength(1);
    clock.seconds = NOW + OPTIONS.cooldownSeconds;
    expect((await identify(rotated())).subject).toBe('user-1');
    expect((await identify(token())).subject).toBe('user-1');
    expect(seen).toHaveLength(2);
  });

  it('are accepted while the issuer is unreachable, for the stale bound only', async () => {
    const identifier = identifierWith({ jwt: [issuerOptions({ keys: remote() })] }, clock);
    const identify = (value: string) => identifier.identify(bearer(value));
    const fresh = () => token({ exp: NOW + 100_000 });
    const cached = fresh();
    const principal = await identify(cached);
    handler = (request) => request.socket.destroy();
    clock.seconds = NOW + OPTIONS.staleMaxSeconds;
    expect((await identify(fresh())).subject).toBe('user-1');
    expect(await identify(cached)).toBe(principal);
    clock.seconds = NOW + OPTIONS.staleMaxSeconds + 1;
    await expectUnavailable(() => identify(fresh()));
    expect(identify(cached)).toBe(principal);
    clock.seconds = NOW + OPTIONS.staleMaxSeconds + 300;
    await expectUnavailable(() => identify(cached));
  });

  it('leave the anonymous caller and other issuers untouched while it is unreachable', async () => {
    handler = (request) => request.socket.destroy();
    const down = issuerOptions({ issuer: 'https://down.example', keys: remote() });
    const identifier = identifierWith({ jwt: [down, issuerOptions()] }, clock);
    await expectUnavailable(() => identifier.identify(bearer(token({ iss: down.issuer }))));
    expect((await identifier.identify(bearer(token()))).subject).toBe('user-1');
    expect(await identifier.identify({ authorization: [] })).toMatchObject({ kind: 'anonymous' });
  });
});
