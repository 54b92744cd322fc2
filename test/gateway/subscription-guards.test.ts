import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { startTestGateway, type TestGateway } from './gateway-kit.ts';
import { startTicks } from './subscription-kit.ts';

const SUBSCRIPTION = 'subscription { ticks }';

let ticks: Awaited<ReturnType<typeof startTicks>>;
let gateway: TestGateway;

beforeAll(async () => {
  ticks = await startTicks();
  gateway = await startTestGateway([ticks], {
    listen: { port: 0 },
    limits: { bodyBytes: 2_000, aliases: 2 },
    subscriptions: { maxPerConnection: 2, initTimeoutMs: 60_000, heartbeatMs: 10_000 },
  });
});
afterAll(async () => {
  await gateway.close();
  await ticks.close();
});

async function codeOf(response: Response): Promise<unknown> {
  const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
  return [response.status, errors[0]?.extensions.code];
}

function get(query: string, headers: Record<string, string>): Promise<Response> {
  return fetch(`${gateway.url}?query=${encodeURIComponent(query)}`, { headers });
}

describe('a request for server-sent events', () => {
  it('is refused where a foreign page could have forged it', async () => {
    const forged = await get(SUBSCRIPTION, { accept: 'text/event-stream' });
    expect(await codeOf(forged)).toEqual([400, 'CSRF_PREVENTED']);
    expect(ticks.streams()).toBe(0);
  });

  it('is refused for a mutation by GET', async () => {
    const headers = { accept: 'text/event-stream', 'apollo-require-preflight': '1' };
    expect(await codeOf(await get('mutation { touch }', headers))).toEqual([405, 'METHOD_NOT_ALLOWED']);
  });

  it('is refused as a batch', async () => {
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
      body: JSON.stringify([{ query: SUBSCRIPTION }]),
    });
    expect(await codeOf(response)).toEqual([400, 'BATCHING_NOT_ENABLED']);
  });
});

/** A socket that speaks the protocol by hand, as an attacker would. */
async function rawSocket(url = gateway.url) {
  const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws');
  const messages: Record<string, unknown>[] = [];
  let wake: () => void = () => undefined;
  socket.on('message', (data) => {
    messages.push(JSON.parse(String(data)));
    wake();
  });
  let isClosed = false;
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  void closed.then(() => {
    isClosed = true;
    wake();
  });
  onTestFinished(() => socket.terminate());
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return {
    closed,
    send: (message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async until(wanted: (message: Record<string, unknown>) => boolean) {
      for (;;) {
        const found = messages.find(wanted);
        if (found !== undefined) return found;
        if (isClosed) throw new Error(`It was closed with ${await closed}.`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

async function readySocket(payload: unknown = {}, url = gateway.url) {
  const socket = await rawSocket(url);
  socket.send({ type: 'connection_init', payload });
  await socket.until(({ type }) => type === 'connection_ack');
  return socket;
}

const subscribe = (id: string, query: string) => ({ id, type: 'subscribe', payload: { query } });

function codesOf(message: Record<string, unknown>): unknown[] {
  return (message['payload'] as { extensions: { code: string } }[]).map(({ extensions }) => extensions.code);
}

describe('a WebSocket', () => {
  it('is closed when it subscribes before it was let in', async () => {
    const socket = await rawSocket();
    socket.send(subscribe('1', SUBSCRIPTION));
    expect(await socket.closed).toBe(4401);
    expect(ticks.streams()).toBe(0);
  });

  it.each(['{', '[]', '{"type":"__proto__"}', '{"type":"subscribe"}'])('is closed on %s', async (text) => {
    const socket = await readySocket();
    socket.send(text);
    expect(await socket.closed).toBe(4400);
  });

  it('is closed on a message over the bound of bodies', async () => {
    const socket = await readySocket();
    socket.send(subscribe('1', `{ open } #${'x'.repeat(2_000)}`));
    expect(await socket.closed).toBe(1009);
  });

  it('is closed when it does not begin in time, or has had nothing to do for too long, also after it had', async () => {
    const brief = await startTestGateway([ticks], {
      listen: { port: 0 },
      subscriptions: { initTimeoutMs: 250, idleTimeoutMs: 500 },
    });
    onTestFinished(() => brief.close());
    const silent = await rawSocket(brief.url);
    // Where the machine was busy for longer than that, they are closed before they were ready, and try again.
    const never = await vi.waitFor(() => readySocket({}, brief.url));
    const once = await vi.waitFor(async () => {
      const socket = await readySocket({}, brief.url);
      socket.send(subscribe('1', '{ open }'));
      await socket.until(({ type }) => type === 'complete');
      return socket;
    });
    expect(await Promise.all([silent.closed, never.closed, once.closed])).toEqual([4408, 1001, 1001]);
  });

  it('is closed when two operations have one id', async () => {
    const socket = await readySocket();
    socket.send(subscribe('1', SUBSCRIPTION));
    socket.send(subscribe('1', SUBSCRIPTION));
    expect(await socket.closed).toBe(4409);
  });

  it('runs as many operations as it may and refuses one more', async () => {
    const socket = await readySocket();
    for (const id of ['1', '2', '3']) socket.send(subscribe(id, SUBSCRIPTION));
    const refused = await socket.until(({ type }) => type === 'error');
    expect(refused['id']).toBe('3');
    expect(codesOf(refused)).toEqual(['SUBSCRIPTION_LIMIT_EXCEEDED']);
  });

  it('holds each operation to the limits', async () => {
    const socket = await readySocket();
    socket.send(subscribe('1', '{ a: open b: open c: open }'));
    expect(codesOf(await socket.until(({ type }) => type === 'error'))).toEqual(['MAX_ALIASES_LIMIT']);
  });

  it.each<[string, unknown]>([
    ['a forged token', { Authorization: 'Bearer not.a.token' }],
    ['a credential that is no text', { authorization: { toString: 1 } }],
    ['two credentials', { Authorization: 'Bearer a', authorization: 'Bearer b' }],
  ])('never takes %s for none', async (_, payload) => {
    const socket = await readySocket(payload);
    socket.send(subscribe('1', '{ open }'));
    expect(codesOf(await socket.until(({ type }) => type === 'error'))).toEqual(['UNAUTHENTICATED']);
  });
});
