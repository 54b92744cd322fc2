import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { GatewayError } from '../../../src/errors.ts';
import { SubgraphSocketClient } from '../../../src/execution/native/subgraph-socket-client.ts';
import type { EventBody } from '../../../src/execution/native/subgraph-stream.ts';

const BOUNDS = { eventBytesMax: 2048, idleTimeoutMs: 5000 };
const BODY = JSON.stringify({ query: 'subscription { ticks }', variables: {} });
const ASSERTION = { 'x-portcullis-assertion': 'who-asks', 'content-type': 'application/json' };

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface Peer {
  readonly url: string;
  readonly server: WebSocketServer;
}

/** A server of the protocol, or of something else. */
async function peer(serve: (server: WebSocketServer) => void): Promise<Peer> {
  const http = createServer();
  const server = new WebSocketServer({
    server: http,
    handleProtocols: (offered) => [...offered][0] ?? false,
  });
  serve(server);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  opened.push(async () => {
    for (const socket of server.clients) socket.terminate();
    await new Promise((resolve) => http.close(resolve));
  });
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`, server };
}

interface Reading {
  readonly signal?: AbortSignal;
  readonly bounds?: Partial<typeof BOUNDS>;
  readonly timeoutMs?: number;
}

function read({ url }: { readonly url: string }, { signal, bounds, timeoutMs = 5000 }: Reading = {}) {
  const client = new SubgraphSocketClient();
  opened.push(() => client.close());
  return client.events(
    { name: 'events', url, timeoutMs },
    { headers: ASSERTION, body: BODY },
    { bounds: { ...BOUNDS, ...bounds }, signal: signal ?? new AbortController().signal },
  );
}

/** What came, and the code of what ended it; null where it was completed. */
async function outcomeOf(
  events: AsyncIterable<EventBody>,
): Promise<readonly [readonly EventBody[], string | null]> {
  const came: EventBody[] = [];
  try {
    for await (const event of events) came.push(event);
    return [came, null];
  } catch (fault) {
    if (!(fault instanceof GatewayError)) throw fault;
    return [came, fault.code];
  }
}

const codeOf = async (events: AsyncIterable<EventBody>) => (await outcomeOf(events))[1];
const send = (socket: WebSocket, message: unknown) => socket.send(JSON.stringify(message));
const tick = (ticks: unknown) => ({ id: '1', type: 'next', payload: { data: { ticks } } });

/** A peer that acknowledges, and then does what the test says. */
const acknowledging = (then: (socket: WebSocket) => void) =>
  peer((server) =>
    server.on('connection', (socket) =>
      socket.on('message', (data) => {
        const { type } = JSON.parse(String(data));
        if (type === 'connection_init') send(socket, { type: 'connection_ack' });
        if (type === 'subscribe') then(socket);
      }),
    ),
  );

describe('a subscription at a graphql-ws server', () => {
  const schema = buildSchema('type Query { a: Int } type Subscription { ticks: Int }');

  function real(source: () => AsyncIterable<unknown>, onHeaders?: (headers: unknown) => void): Promise<Peer> {
    return peer((server) => {
      const disposable = useServer(
        {
          schema,
          roots: { subscription: { ticks: source as never } },
          onConnect: ({ extra }) => void onHeaders?.(extra.request.headers),
        },
        server,
      );
      opened.push(() => disposable.dispose());
    });
  }

  it('brings its events to their end, and says who asks in the handshake alone', async () => {
    const headers = vi.fn();
    const from = await real(async function* () {
      yield { ticks: 1 };
      yield { ticks: 2 };
    }, headers);
    expect(await outcomeOf(read(from))).toEqual([[{ data: { ticks: 1 } }, { data: { ticks: 2 } }], null]);
    expect(headers).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({
        'x-portcullis-assertion': 'who-asks',
        'sec-websocket-protocol': 'graphql-transport-ws',
      }),
    );
    expect(headers.mock.calls[0]?.[0]).not.toHaveProperty('content-type');
  });

  it('ends with its errors where the operation is refused', async () => {
    const from = await peer((server) => {
      const other = buildSchema('type Query { a: Int } type Subscription { others: Int }');
      const disposable = useServer({ schema: other }, server);
      opened.push(() => disposable.dispose());
    });
    const [events, code] = await outcomeOf(read(from));
    expect(code).toBeNull();
    expect(events).toMatchObject([{ errors: [{ message: expect.stringContaining('ticks') }] }]);
  });

  it('is ended there when nobody reads any more', async () => {
    const ended = vi.fn();
    const from = await real(async function* () {
      try {
        for (let n = 0; ; n += 1) {
          yield { ticks: n };
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        ended();
      }
    });
    for await (const event of read(from)) {
      expect(event).toEqual({ data: { ticks: 0 } });
      break;
    }
    await vi.waitFor(() => expect(ended).toHaveBeenCalledOnce());
    await vi.waitFor(() => expect(from.server.clients.size).toBe(0));
  });

  it('has a socket of its own', async () => {
    const from = await real(async function* () {
      yield { ticks: 1 };
      await new Promise(() => undefined);
    });
    const readers = [read(from), read(from), read(from)];
    for (const reader of readers) await reader.next();
    expect(from.server.clients.size).toBe(3);
    for (const reader of readers) await reader.return();
    await vi.waitFor(() => expect(from.server.clients.size).toBe(0));
  });

  it('ends with the reason of the signal, while it waits too', async () => {
    const from = await real(async function* () {
      yield { ticks: 1 };
      await new Promise(() => undefined);
    });
    const stop = new AbortController();
    const events = read(from, { signal: stop.signal });
    await events.next();
    const waiting = events.next();
    stop.abort(new GatewayError('SHUTTING_DOWN'));
    await expect(waiting).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    await vi.waitFor(() => expect(from.server.clients.size).toBe(0));
  });
});

describe('a subgraph that', () => {
  it('is not there is a subgraph that failed', async () => {
    expect(await codeOf(read({ url: 'http://127.0.0.1:1/' }))).toBe('DOWNSTREAM_SERVICE_ERROR');
  });

  it('refuses the handshake, or redirects it, failed', async () => {
    for (const status of [403, 302]) {
      const http = createServer((_request, response) => response.end());
      http.on('upgrade', (_request, socket) =>
        socket.end(`HTTP/1.1 ${status} No\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n`),
      );
      await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
      opened.push(() => new Promise((resolve) => http.close(resolve)));
      const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
      expect(await codeOf(read({ url }))).toBe('DOWNSTREAM_SERVICE_ERROR');
    }
  });

  it('does not take the protocol failed', async () => {
    const from = await peer((server) => {
      server.options.handleProtocols = () => false;
    });
    expect(await codeOf(read(from))).toBe('DOWNSTREAM_SERVICE_ERROR');
  });

  it('never acknowledges is late, whatever signs of life it gives', async () => {
    const from = await peer((server) =>
      server.on('connection', (socket) => {
        const alive = setInterval(() => {
          socket.ping();
          send(socket, { type: 'ping' });
        }, 10);
        socket.once('close', () => clearInterval(alive));
      }),
    );
    expect(await codeOf(read(from, { timeoutMs: 150 }))).toBe('SUBGRAPH_TIMEOUT');
    await vi.waitFor(() => expect(from.server.clients.size).toBe(0));
  });

  it('falls silent is late', async () => {
    const from = await acknowledging((socket) => send(socket, tick(1)));
    // A machine that is busy for longer than that hears nothing either: then again.
    await vi.waitFor(async () => {
      const [events, code] = await outcomeOf(read(from, { bounds: { idleTimeoutMs: 100 } }));
      expect([events.length, code]).toEqual([1, 'SUBGRAPH_TIMEOUT']);
    });
  });

  it('gives signs of life is not', async () => {
    const from = await acknowledging((socket) => {
      let beats = 0;
      const beat = setInterval(() => {
        beats += 1;
        if (beats % 2 === 0) socket.ping();
        else send(socket, { type: 'ping' });
        if (beats < 30) return;
        clearInterval(beat);
        send(socket, { id: '1', type: 'complete' });
      }, 20);
    });
    await vi.waitFor(async () => {
      expect(await codeOf(read(from, { bounds: { idleTimeoutMs: 400 } }))).toBeNull();
    });
  });

  it.each([
    ['text that is no JSON', (socket: WebSocket) => socket.send('{')],
    ['a list', (socket: WebSocket) => send(socket, [])],
    ['nothing', (socket: WebSocket) => send(socket, null)],
    ['bytes', (socket: WebSocket) => socket.send(Buffer.from('{}'))],
    ['another type', (socket: WebSocket) => send(socket, { id: '1', type: 'data' })],
    ['an event of another operation', (socket: WebSocket) => send(socket, { ...tick(1), id: '2' })],
    ['the end of another operation', (socket: WebSocket) => send(socket, { id: '2', type: 'complete' })],
    ['an event without a result', (socket: WebSocket) => send(socket, { id: '1', type: 'next' })],
    ['a list for a result', (socket: WebSocket) => send(socket, { id: '1', type: 'next', payload: [] })],
    ['an event over the bound', (socket: WebSocket) => send(socket, tick('x'.repeat(4000)))],
    ['a normal close', (socket: WebSocket) => socket.close(1000)],
    ['a refusal by close code', (socket: WebSocket) => socket.close(4403, 'Forbidden')],
    ['nothing more at all', (socket: WebSocket) => socket.terminate()],
  ])('sends %s failed, and what came before stands', async (_what, then) => {
    const from = await acknowledging((socket) => {
      send(socket, tick(1));
      then(socket);
    });
    expect(await outcomeOf(read(from))).toEqual([[{ data: { ticks: 1 } }], 'DOWNSTREAM_SERVICE_ERROR']);
    await vi.waitFor(() => expect(from.server.clients.size).toBe(0));
  });

  it('sends an event just within the bound is heard', async () => {
    const text = 'x'.repeat(2000);
    const from = await acknowledging((socket) => {
      send(socket, tick(text));
      send(socket, { id: '1', type: 'complete' });
    });
    expect(await outcomeOf(read(from))).toEqual([[{ data: { ticks: text } }], null]);
  });

  it('sends faster than events are taken is slowed down, and nothing is lost', async () => {
    let sent = 0;
    const from = await acknowledging((socket) => {
      const more = (): void => {
        while (sent < 20_000 && socket.bufferedAmount < 4096) {
          sent += 1;
          send(socket, tick(`${sent} ${'x'.repeat(1000)}`));
        }
        if (sent < 20_000) setImmediate(more);
        else send(socket, { id: '1', type: 'complete' });
      };
      more();
    });
    const events = read(from);
    await events.next();
    // All that the systems between hold is some megabytes; the whole is twenty.
    await vi.waitFor(
      async () => {
        const before = sent;
        await new Promise((resolve) => setTimeout(resolve, 100));
        expect(sent).toBe(before);
      },
      { timeout: 10_000 },
    );
    expect(sent).toBeLessThan(19_000);
    const [rest, code] = await outcomeOf(events);
    expect([rest.length, code]).toEqual([19_999, null]);
  });
});
