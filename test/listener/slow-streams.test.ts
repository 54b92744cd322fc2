import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { GatewayError } from '../../src/errors.ts';
import type { GatewayAnswer, GatewayResponse, GraphQLRequest } from '../../src/listener/request.ts';
import { open } from './raw-http.ts';
import { post, STREAMS, type Started, startListener } from './start-listener.ts';

const BODY = JSON.stringify({ query: 'subscription { any }' });
const EVENT: GatewayResponse = { status: 200, headers: {}, body: { data: { text: 'x'.repeat(100_000) } } };
/** More than all that systems keep on the way for a client that does not read. */
const EVENTS_MAX = 1000;

interface Source {
  readonly taken: () => number;
  /** Reasons for which it was ended, in order. */
  readonly ended: unknown[];
  handle(request: GraphQLRequest): Promise<GatewayAnswer>;
}

/** Large events without end, each as soon as the one before was taken; or one, and then silence. */
function source({ silent }: { readonly silent: boolean }): Source {
  let taken = 0;
  const ended: unknown[] = [];
  async function* events(signal: AbortSignal): AsyncGenerator<GatewayResponse, void, undefined> {
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    try {
      while (taken < EVENTS_MAX && !signal.aborted) {
        taken += 1;
        yield EVENT;
        if (silent) await aborted;
      }
    } finally {
      ended.push(signal.reason ?? null);
    }
  }
  return {
    taken: () => taken,
    ended,
    handle: async ({ signal }) => ({ kind: 'stream', events: events(signal) }),
  };
}

const start = (from: Source, eventTimeoutMs = 200, options = {}): Promise<Started> =>
  startListener(
    { subscriptions: { ...STREAMS, eventTimeoutMs, maxConnections: 1 }, ...options },
    { handle: from.handle },
  );

const HTTP = [
  ['server-sent events', 'text/event-stream'],
  ['multipart answers', 'multipart/mixed;subscriptionSpec=1.0, application/json'],
] as const;

/** Asks for a stream and reads none of it. */
function askUnread(port: number, accept: string) {
  const opened = open(port);
  opened.socket.pause();
  opened.socket.write(
    `POST /graphql HTTP/1.1\r\nhost: x\r\naccept: ${accept}\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
  );
  onTestFinished(() => void opened.socket.destroy());
  return opened;
}

function subscribeOnSocket(port: number): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
  socket.on('error', () => undefined);
  socket.on('open', () => socket.send('{"type":"connection_init"}'));
  socket.once('message', () => socket.send(`{"id":"1","type":"subscribe","payload":${BODY}}`));
  onTestFinished(() => socket.terminate());
  return socket;
}

describe.each(HTTP)('a stream of %s', (_name, accept) => {
  it('is cut off when its client does not read: nothing piles up, and its place is free again', async () => {
    const from = source({ silent: false });
    const { url, port } = await start(from);
    askUnread(port, accept);
    await vi.waitFor(() => expect(from.ended).toMatchObject([{ code: 'REQUEST_ABORTED' }]), {
      timeout: 10_000,
    });
    expect(from.taken()).toBeLessThan(EVENTS_MAX);
    const next = await post(url, BODY, { accept });
    expect(next.status).toBe(200);
    await next.body?.cancel();
  });

  it('goes on for a client that reads slowly, but reads', async () => {
    const from = source({ silent: false });
    const { port } = await start(from, 5000);
    const { socket } = askUnread(port, accept);
    await vi.waitFor(() => expect(from.taken()).toBeGreaterThan(2));
    const settled = async (): Promise<number> => {
      const before = from.taken();
      await new Promise((resolve) => setTimeout(resolve, 100));
      return from.taken() === before ? before : settled();
    };
    const full = await settled();
    socket.resume();
    await vi.waitFor(() => expect(from.taken()).toBeGreaterThan(full + 10), { timeout: 5000 });
    expect(from.ended).toEqual([]);
    socket.destroy();
  });

  it('is told to end when the listener closes, and nobody waits for it', async () => {
    const from = source({ silent: true });
    const { url, listener } = await start(from);
    const response = await post(url, BODY, { accept });
    const text = response.text();
    await vi.waitFor(() => expect(from.taken()).toBe(1));
    await listener.close();
    expect(from.ended).toMatchObject([{ code: 'SHUTTING_DOWN' }]);
    // It ends as its format says, and is not broken off.
    expect(await text).toMatch(
      accept === 'text/event-stream' ? /event: complete\ndata:\n\n$/u : /--graphql--\r\n$/u,
    );
  });

  it('is cut where its client does not read while the listener closes', async () => {
    const from = source({ silent: false });
    const { port, listener } = await start(from, 60_000, { shutdownTimeoutMs: 100 });
    askUnread(port, accept);
    await vi.waitFor(() => expect(from.taken()).toBeGreaterThan(2));
    await listener.close();
    await vi.waitFor(() => expect(from.ended).toHaveLength(1));
  });
});

describe('a stream on a WebSocket', () => {
  it('is cut off with its socket when the client does not read', async () => {
    const from = source({ silent: false });
    const { port } = await start(from);
    const socket = subscribeOnSocket(port);
    socket.once('message', () => socket.pause());
    await vi.waitFor(() => expect(from.ended).toHaveLength(1), { timeout: 10_000 });
    expect(from.taken()).toBeLessThan(EVENTS_MAX);
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    const next = subscribeOnSocket(port);
    await new Promise((resolve) => next.once('message', resolve));
  });

  it('is told to end when the listener closes', async () => {
    const from = source({ silent: true });
    const { port, listener } = await start(from);
    const socket = subscribeOnSocket(port);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await vi.waitFor(() => expect(from.taken()).toBe(1));
    await listener.close();
    expect(from.ended).toMatchObject([{ code: 'SHUTTING_DOWN' }]);
    expect(await closed).toBe(1001);
  });
});

describe('a request that takes an answer in parts', () => {
  it('is answered although every place for streams is taken', async () => {
    const from = source({ silent: true });
    const handle = async (request: GraphQLRequest): Promise<GatewayAnswer> => {
      const { params, streams } = request;
      if (params instanceof GatewayError) return { ...EVENT, status: params.status };
      return streams ? from.handle(request) : EVENT;
    };
    const { url } = await start({ ...from, handle });
    const stream = await post(url, BODY, { accept: 'text/event-stream' });
    await vi.waitFor(() => expect(from.taken()).toBe(1));
    expect((await post(url, BODY, { accept: 'text/event-stream' })).status).toBe(429);
    const { status } = await post(url, BODY, {
      accept: 'multipart/mixed;deferSpec=20220824, application/json',
    });
    expect(status).toBe(200);
    await stream.body?.cancel();
  });
});
