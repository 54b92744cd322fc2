import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ListenerDeps, ListenerOptions } from '../../src/listener/listener.ts';
import type { GatewayResponse, GatewayStream, GraphQLRequest } from '../../src/listener/request.ts';
import { CERTIFICATE, CERTIFICATE_KEY } from '../config/tls-fixture.ts';
import { type Started, startListener } from './start-listener.ts';

const BOUNDS = { streamsMax: 20, resetsMax: 30 };
const HELLO = JSON.stringify({ query: '{ hello }' });
const DONE: GatewayResponse = { status: 200, headers: {}, body: { data: { done: true } } };

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly code: unknown;
  /** How the stream was closed. */
  readonly rstCode: number | undefined;
}

/** A listener with TLS and HTTP/2, and a client connected to it. */
async function start(
  options: Partial<ListenerOptions> = {},
  deps: Partial<ListenerDeps> = {},
): Promise<Started & { readonly client: ClientHttp2Session; again(): ClientHttp2Session }> {
  const tls = { cert: CERTIFICATE, key: CERTIFICATE_KEY };
  const started = await startListener({ tls, http2: BOUNDS, ...options }, deps);
  const again = (): ClientHttp2Session => {
    const client = connect(started.origin, { ca: CERTIFICATE, servername: 'localhost' });
    client.on('error', () => undefined);
    onTestFinished(() => client.destroy());
    return client;
  };
  return { ...started, client: again(), again };
}

const HEADERS = { ':method': 'POST', ':path': '/graphql', 'content-type': 'application/json' };

function ask(client: ClientHttp2Session, headers: Record<string, string | string[]> = {}): ClientHttp2Stream {
  const stream = client.request({ ...HEADERS, ...headers });
  stream.on('error', () => undefined);
  return stream;
}

function answerOf(stream: ClientHttp2Stream): Promise<Answered> {
  return new Promise((resolve) => {
    let text = '';
    let headers: Record<string, unknown> = {};
    stream.setEncoding('utf8').on('response', (fields) => {
      headers = fields;
    });
    stream.on('data', (chunk: string) => {
      text += chunk;
    });
    stream.on('close', () => {
      const body = text.startsWith('{') ? JSON.parse(text) : {};
      const code = body.errors?.[0]?.extensions?.code;
      resolve({ status: Number(headers[':status'] ?? 0), headers, text, code, rstCode: stream.rstCode });
    });
  });
}

const post = (client: ClientHttp2Session, body: string, headers: Record<string, string | string[]> = {}) => {
  const stream = ask(client, headers);
  stream.end(body);
  return answerOf(stream);
};

describe('HTTP/2', () => {
  it('answers as HTTP/1.1 does, many at once on one connection', async () => {
    const { client, seen } = await start();
    const answers = await Promise.all(Array.from({ length: 15 }, () => post(client, HELLO)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
      rstCode: constants.NGHTTP2_NO_ERROR,
    });
    expect(seen).toHaveLength(15);
    expect(seen.every(({ signal }) => !signal.aborted)).toBe(true);
    expect(seen[0]).toMatchObject({ method: 'POST', remoteAddress: '127.0.0.1' });
  });

  it('serves HTTP/1.1 on the same port', async () => {
    const { url, seen } = await start();
    const text = await new Promise<string>((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const asking = httpsRequest(url, { ca: CERTIFICATE, servername: 'localhost', method: 'POST', headers });
      asking.on('error', reject).on('response', (response) => {
        let all = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          all += chunk;
        });
        response.on('end', () => resolve(`${response.httpVersion} ${all}`));
      });
      asking.end(HELLO);
    });
    expect(text).toMatch(/^1\.1 \{"data"/u);
    expect(seen).toHaveLength(1);
  });

  it('is not spoken where it is off', async () => {
    const { client } = await start({ http2: null });
    await new Promise((resolve) => client.once('close', resolve));
    expect(client.alpnProtocol).not.toBe('h2');
  });

  it('routes what is no operation: health, keys, and what is not there', async () => {
    const { client } = await start();
    const get = (path: string) => {
      const stream = client.request({ ':path': path });
      stream.on('error', () => undefined);
      return answerOf(stream);
    };
    expect(await get('/health/ready')).toMatchObject({ status: 200 });
    expect(await get('/.well-known/jwks.json')).toMatchObject({ status: 200, text: '{"keys":[]}' });
    expect(await get('/elsewhere')).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });

  it('sees every authorization field that was sent', async () => {
    const { client, seen } = await start();
    await post(client, HELLO, { authorization: 'Bearer a' });
    expect(seen[0]?.authorization).toEqual(['Bearer a']);
  });
});

describe('over HTTP/2 is refused', () => {
  it('a mutation by GET', async () => {
    const { client, seen } = await start(
      {},
      { handle: async ({ method }) => ({ ...DONE, status: method === 'GET' ? 405 : 200 }) },
    );
    const stream = client.request({
      ':path': `/graphql?query=${encodeURIComponent('mutation { hello }')}`,
      'apollo-require-preflight': '1',
    });
    expect(await answerOf(stream)).toMatchObject({ status: 405 });
    expect(seen[0]).toMatchObject({ method: 'GET' });
  });

  it('a content type that a foreign page could send', async () => {
    const { client, refusals } = await start();
    expect(await post(client, HELLO, { 'content-type': 'text/plain' })).toMatchObject({ status: 400 });
    expect(refusals()).toEqual(['CSRF_PREVENTED']);
  });

  it.each([
    ['that says so', { 'content-length': String(1024 * 1024) }],
    ['that does not say so', {}],
  ])('a body that is too large, %s, and no more of it is read', async (_what, headers) => {
    const { client, refusals } = await start({ bodyBytesMax: 1024 });
    const stream = ask(client, headers);
    const answer = answerOf(stream);
    stream.write('x'.repeat(64 * 1024));
    expect(await answer).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' });
    expect(refusals()).toEqual(['PAYLOAD_TOO_LARGE']);
    expect(stream.closed).toBe(true);
    // The connection lives on for other requests.
    expect(await post(client, HELLO)).toMatchObject({ status: 200 });
  });

  it('a body that does not come', async () => {
    const { client, refusals } = await start({ requestTimeoutMs: 150 });
    expect(await answerOf(ask(client))).toMatchObject({ status: 408, code: 'REQUEST_NOT_RECEIVED' });
    expect(refusals()).toEqual(['REQUEST_NOT_RECEIVED']);
  });

  it('a header list over the limit, before anything sees the request', async () => {
    const { client, again, seen } = await start({ headerBytesMax: 4096 });
    await post(client, HELLO);
    const large = await post(client, HELLO, { 'x-large': 'x'.repeat(5000) });
    expect(large.status).not.toBe(200);
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`x-${index}`, 'y']));
    expect((await post(again(), HELLO, many)).status).not.toBe(200);
    expect(seen).toHaveLength(1);
  });

  it('more requests at once than the limit', async () => {
    const released: ((response: GatewayResponse) => void)[] = [];
    const handle = (): Promise<GatewayResponse> => new Promise((resolve) => void released.push(resolve));
    const { client, seen } = await start({ http2: { ...BOUNDS, streamsMax: 3 } }, { handle });
    await new Promise((resolve) => client.once('remoteSettings', resolve));
    expect(client.remoteSettings.maxConcurrentStreams).toBe(3);
    const answers = Array.from({ length: 5 }, () => post(client, HELLO));
    await vi.waitFor(() => expect(seen).toHaveLength(3));
    // A client that keeps to what it was told waits; the others come when there is room.
    for (const release of released.splice(0)) release(DONE);
    await vi.waitFor(() => expect(seen).toHaveLength(5));
    for (const release of released.splice(0)) release(DONE);
    expect((await Promise.all(answers)).every(({ status }) => status === 200)).toBe(true);
  });
});

describe('an HTTP/2 connection', () => {
  it('ends when its client takes back requests again and again', async () => {
    const { client, seen } = await start({}, { handle: () => new Promise(() => undefined) });
    await new Promise((resolve) => client.once('remoteSettings', resolve));
    const closed = new Promise((resolve) => client.once('close', resolve));
    for (let index = 0; index < 500 && !client.destroyed; index += 1) {
      const stream = ask(client);
      stream.end(HELLO);
      stream.close(constants.NGHTTP2_CANCEL);
      if (index % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    expect(seen.length).toBeLessThan(200);
  });

  it('aborts what a client takes back', async () => {
    let request: GraphQLRequest | undefined;
    const { client } = await start(
      {},
      {
        handle: (one) => {
          request = one;
          return new Promise(() => undefined);
        },
      },
    );
    const stream = ask(client);
    stream.end(HELLO);
    await vi.waitFor(() => expect(request).toBeDefined());
    stream.close(constants.NGHTTP2_CANCEL);
    await vi.waitFor(() => expect(request?.signal.reason).toMatchObject({ code: 'REQUEST_ABORTED' }));
  });

  it('ends when it has had no request for too long, pings or not', async () => {
    const { client } = await start({ requestTimeoutMs: 200 });
    const closed = new Promise((resolve) => client.once('close', resolve));
    const ping = setInterval(() => !client.destroyed && client.ping(() => undefined), 20);
    await closed;
    clearInterval(ping);
    expect(client.destroyed).toBe(true);
  });

  it('takes nothing new while the listener closes, and ends with what runs', async () => {
    let release: (response: GatewayResponse) => void = () => undefined;
    const handle = (): Promise<GatewayResponse> =>
      new Promise((resolve) => {
        release = resolve;
      });
    const { client, listener, seen } = await start({}, { handle });
    const running = post(client, HELLO);
    await vi.waitFor(() => expect(seen).toHaveLength(1));
    const told = new Promise((resolve) => client.once('goaway', resolve));
    const closed = listener.close();
    await told;
    release(DONE);
    expect(await running).toMatchObject({ status: 200, text: '{"data":{"done":true}}' });
    await closed;
  });

  it('is cut where what runs does not end in time', async () => {
    const { client, listener, seen } = await start(
      { shutdownTimeoutMs: 100 },
      { handle: () => new Promise(() => undefined) },
    );
    const running = post(client, HELLO);
    await vi.waitFor(() => expect(seen).toHaveLength(1));
    await listener.close();
    expect((await running).status).toBe(0);
    await vi.waitFor(() => expect(seen[0]?.signal.aborted).toBe(true));
  });
});

describe('a stream over HTTP/2', () => {
  const ticks = (from: AsyncIterable<GatewayResponse>): GatewayStream => ({ kind: 'stream', events: from });
  const tick = (n: number): GatewayResponse => ({ status: 200, headers: {}, body: { data: { n } } });

  it.each([
    ['server-sent events', 'text/event-stream', 'event: next\ndata: {"data":{"n":2}}\n\nevent: complete'],
    [
      'multipart answers',
      'multipart/mixed;subscriptionSpec=1.0, application/json',
      '{"payload":{"data":{"n":2}}}',
    ],
  ])('delivers %s to their end', async (_what, accept, text) => {
    const { client } = await start(
      {},
      {
        handle: async () =>
          ticks(
            (async function* () {
              yield tick(1);
              yield tick(2);
            })(),
          ),
      },
    );
    const answer = await post(client, HELLO, { accept });
    expect(answer).toMatchObject({ status: 200, rstCode: constants.NGHTTP2_NO_ERROR });
    expect(answer.text).toContain(text);
  });

  it('delivers an answer in parts to its end', async () => {
    const handle = async ({ defers }: GraphQLRequest): Promise<GatewayStream> => ({
      kind: 'deferred',
      events: (async function* () {
        yield { ...tick(1), body: { data: { defers }, hasNext: true } };
        yield { ...tick(2), body: { incremental: [{ path: [], data: { n: 2 } }], hasNext: false } };
      })(),
    });
    const { client } = await start({}, { handle });
    const { text, ...answer } = await post(client, HELLO, { accept: 'multipart/mixed;deferSpec=20220824' });
    expect(answer).toMatchObject({ status: 200, rstCode: constants.NGHTTP2_NO_ERROR });
    const parts = text.split('\r\n--graphql').slice(1, -1);
    expect(parts.map((part) => JSON.parse(part.slice(part.indexOf('{'))))).toEqual([
      { data: { defers: true }, hasNext: true },
      { incremental: [{ path: [], data: { n: 2 } }], hasNext: false },
    ]);
    expect(text.endsWith('--graphql--\r\n')).toBe(true);
  });

  it('ends for its source when the client takes it back', async () => {
    let ended = false;
    const { client } = await start(
      {},
      {
        handle: async ({ signal }) =>
          ticks(
            (async function* () {
              try {
                yield tick(1);
                await new Promise((resolve) => signal.addEventListener('abort', resolve));
              } finally {
                ended = true;
              }
            })(),
          ),
      },
    );
    const stream = ask(client, { accept: 'text/event-stream' });
    stream.end(HELLO);
    stream.once('data', () => stream.close(constants.NGHTTP2_CANCEL));
    await vi.waitFor(() => expect(ended).toBe(true));
  });

  it('that breaks is reset, so that it does not look as if it had ended', async () => {
    const onFault = vi.fn();
    const { client } = await start(
      {},
      {
        onFault,
        handle: async () =>
          ticks(
            (async function* () {
              yield tick(1);
              throw new Error('broken');
            })(),
          ),
      },
    );
    const answer = await post(client, HELLO, { accept: 'text/event-stream' });
    expect(answer.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);
    expect(onFault).toHaveBeenCalled();
  });

  it('is cut off when its client does not read, and the connection serves others', async () => {
    const large = { status: 200, headers: {}, body: { data: { text: 'x'.repeat(200_000) } } };
    let ended = false;
    const subscriptions = {
      ...{ enabled: true, maxPerConnection: 10, maxConnections: 100, idleTimeoutMs: 60_000 },
      ...{ heartbeatMs: 10_000, eventTimeoutMs: 150, initTimeoutMs: 3_000, maxLifetimeMs: 60_000 },
    };
    const { client } = await start(
      { subscriptions },
      {
        handle: async ({ streams }) =>
          streams
            ? ticks(
                (async function* () {
                  try {
                    for (let index = 0; index < 1000; index += 1) yield large;
                  } finally {
                    ended = true;
                  }
                })(),
              )
            : DONE,
      },
    );
    const stream = ask(client, { accept: 'text/event-stream' });
    stream.end(HELLO);
    stream.pause();
    await vi.waitFor(() => expect(ended).toBe(true), { timeout: 5000 });
    expect(await post(client, HELLO)).toMatchObject({ status: 200 });
  });
});
