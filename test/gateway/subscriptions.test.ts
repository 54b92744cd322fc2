import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ask, auditEvents, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { bearer, type Outcome, overMultipart, overSocket, overSse } from './subscription-clients.ts';
import { startTicks } from './subscription-kit.ts';

type Ticks = Awaited<ReturnType<typeof startTicks>>;

const ORIGIN = 'https://app.example';
let ticks: Ticks;
let gateway: TestGateway;

beforeAll(async () => {
  ticks = await startTicks();
  gateway = await startTestGateway([ticks], {
    listen: { port: 0, cors: { origins: [ORIGIN] } },
    // A socket of a busy machine must not be taken for a dead one.
    subscriptions: { maxPerPrincipal: 3, initTimeoutMs: 60_000, heartbeatMs: 10_000 },
  });
});
afterAll(async () => {
  await gateway.close();
  await ticks.close();
});

type Subscribing = (query: string, token?: string, url?: string) => Outcome;
const bySse: Subscribing = (query, token, url = gateway.url) => overSse(url, query, bearer(token));
const bySocket: Subscribing = (query, token, url = gateway.url) => overSocket(url, query, bearer(token));
const byMultipart: Subscribing = (query, token, url = gateway.url) =>
  overMultipart(url, query, bearer(token));

const opened = (count: number) => vi.waitFor(() => expect(ticks.streams()).toBe(count), { timeout: 5000 });
const until = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 10 });

describe.each([
  ['graphql-sse', bySse],
  ['graphql-ws', bySocket],
  ['Apollo Client', byMultipart],
] as const)('a subscription by %s', (_name, subscribe) => {
  it('delivers events until upstream completes', async () => {
    const seen = subscribe('subscription { ticks }');
    await opened(1);
    ticks.emit('ticks', () => 'one');
    await until(() => expect(seen.events).toHaveLength(1));
    ticks.emit('ticks', () => 'two');
    await until(() => expect(seen.events).toHaveLength(2));
    expect(seen.events).toMatchObject([{ data: { ticks: 'one' } }, { data: { ticks: 'two' } }]);
    ticks.complete();
    await until(() => expect(seen.done).toBe(true));
    expect(seen.errors).toEqual([]);
    await opened(0);
  });

  it('leaves upstream when the client leaves, and records it', async () => {
    const seen = subscribe('subscription Leaver { ticks }');
    await opened(1);
    ticks.emit('ticks', () => 'one');
    await until(() => expect(seen.events).toHaveLength(1));
    const before = auditEvents(gateway.where).length;
    seen.leave();
    await opened(0);
    await until(() => {
      const last = auditEvents(gateway.where)
        .slice(before - 1)
        .at(-1);
      expect(last).toMatchObject({ code: 'REQUEST_ABORTED', events: 1 });
    });
  });

  it('ends when the token expires, though no event comes', async () => {
    const before = ticks.begun();
    // Where the machine is busy for longer than that, the token is over before there is a stream: then again.
    const seen = await vi.waitFor(async () => {
      const exp = Math.floor(Date.now() / 1000) + 2;
      const one = subscribe('subscription { secret }', await gateway.issuer.token({ exp }));
      await until(() => expect(one.done || one.errors.length > 0).toBe(true));
      expect(ticks.begun()).toBeGreaterThan(before);
      return one;
    });
    expect(JSON.stringify([seen.events, seen.errors])).toContain('UNAUTHENTICATED');
    await opened(0);
  });

  it('tells that upstream broke, and lets the client subscribe again', async () => {
    const seen = subscribe('subscription { ticks }');
    await opened(1);
    ticks.kill();
    await until(() =>
      expect(JSON.stringify([seen.events, seen.errors])).toContain('DOWNSTREAM_SERVICE_ERROR'),
    );
    await opened(0);
    const again = subscribe('subscription { ticks }');
    await opened(1);
    ticks.emit('ticks', () => 'again');
    await until(() => expect(again.events).toMatchObject([{ data: { ticks: 'again' } }]));
    again.leave();
    await opened(0);
  });

  it('never mixes tenants', async () => {
    const [acme, zeta] = await Promise.all(
      ['acme', 'zeta'].map((tenant) => gateway.issuer.token({ tenant, sub: tenant })),
    );
    const first = subscribe('subscription { secret }', acme);
    const second = subscribe('subscription { secret }', zeta);
    await opened(2);
    ticks.emit('secret', String);
    await until(() => expect(first.events.length + second.events.length).toBe(2));
    expect(first.events).toMatchObject([{ data: { secret: 'acme' } }]);
    expect(second.events).toMatchObject([{ data: { secret: 'zeta' } }]);
    first.leave();
    second.leave();
    await opened(0);
  });
});

describe('subscriptions', () => {
  it('are refused over a transport that cannot stream', async () => {
    const answer = await ask(gateway.url, 'subscription { ticks }');
    expect(answer.codes).toEqual(['SUBSCRIPTION_NOT_SUPPORTED']);
  });

  it('hold each caller to its bound', async () => {
    const seen = [1, 2, 3].map(() => bySocket('subscription { ticks }'));
    await opened(3);
    const over = bySocket('subscription { ticks }');
    await until(() => expect(JSON.stringify(over.errors)).toContain('SUBSCRIPTION_LIMIT_EXCEEDED'));
    for (const { leave } of seen) leave();
    await opened(0);
  });

  it('answer queries and mutations on a WebSocket too', async () => {
    const query = bySocket('{ open }');
    const mutation = bySocket('mutation { touch }');
    await until(() => expect(query.done && mutation.done).toBe(true));
    expect(query.events).toMatchObject([{ data: { open: 'open' } }]);
    expect(mutation.events).toMatchObject([{ data: { touch: 'touched' } }]);
  });

  it('answer a query over server-sent events', async () => {
    const seen = bySse('{ open }');
    await until(() => expect(seen.done).toBe(true));
    expect(seen.events).toMatchObject([{ data: { open: 'open' } }]);
  });
});

describe('a WebSocket handshake', () => {
  const status = (url: string, origin?: string) =>
    new Promise<number>((resolve) => {
      const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws', {
        ...(origin === undefined ? {} : { origin }),
      });
      socket.on('open', () => {
        socket.terminate();
        resolve(101);
      });
      socket.on('unexpected-response', (_request, response) => {
        response.destroy();
        resolve(response.statusCode ?? 0);
      });
      socket.on('error', () => undefined);
    });

  it('is refused to pages of an origin that is not named', async () => {
    expect(await status(gateway.url, 'https://foreign.example')).toBe(403);
    expect(await status(gateway.url, 'null')).toBe(403);
  });

  it('is open to named origins and to clients that are no browsers', async () => {
    expect(await status(gateway.url, ORIGIN)).toBe(101);
    expect(await status(gateway.url)).toBe(101);
  });

  it('is refused at another path', async () => {
    expect(await status(`${gateway.url}/other`)).toBe(404);
  });

  it('is refused beyond the bound of connections', async () => {
    const small = await startTestGateway([ticks], { subscriptions: { maxConnections: 1 } });
    onTestFinished(() => small.close());
    const seen = bySocket('subscription { ticks }', undefined, small.url);
    await opened(1);
    expect(await status(small.url)).toBe(429);
    seen.leave();
    await opened(0);
  });
});

describe('a replaced supergraph', () => {
  it('ends the streams that run on the one before, so that it can be given up', async () => {
    const own = await startTestGateway([ticks], { supergraph: { watch: true, pollMs: 100 } });
    onTestFinished(() => own.close());
    const seen = bySse('subscription { ticks }', undefined, own.url);
    await opened(1);
    own.where.write('ticks.graphql', ticks.sdl.replace('open: String', 'open: String\n  more: String'));
    await until(() => expect(JSON.stringify(seen.events)).toContain('SUBSCRIPTION_ENDED'));
    await opened(0);
  });
});

describe('the life of a subscription', () => {
  it('ends at its bound, though no event comes', async () => {
    const own = await startTestGateway([ticks], { subscriptions: { maxLifetimeMs: 300 } });
    onTestFinished(() => own.close());
    const seen = bySse('subscription { ticks }', undefined, own.url);
    await until(() => expect(JSON.stringify(seen.events)).toContain('SUBSCRIPTION_ENDED'));
    await opened(0);
  });
});

describe('closing the gateway', () => {
  it.each([
    ['server-sent events', bySse],
    ['WebSockets', bySocket],
  ] as const)('ends streams over %s within the bound', async (_name, subscribe) => {
    const own = await startTestGateway([ticks]);
    const seen = subscribe('subscription { ticks }', undefined, own.url);
    await opened(1);
    await own.close();
    await opened(0);
    await until(() => expect(JSON.stringify([seen.events, seen.errors])).toContain('SHUTTING_DOWN'));
  });
});
