import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SubgraphClient } from '../../src/execution/subgraph-client.ts';

const BYTES_MAX = 1_000;
const closers: (() => Promise<unknown>)[] = [];
const client = new SubgraphClient({ responseBytesMax: BYTES_MAX, connectionsMax: 2 }, Date.now);
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});
afterAll(() => client.close());

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://${user}127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
}

/** A peer that answers each connection with these bytes and hangs up. */
async function serveBytes(bytes: string): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.end(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  return `http://${user}127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const post = (url: string, options: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
  client.post(
    { name: 'a', url, timeoutMs: options.timeoutMs ?? 5_000 },
    { body: '{"query":"{a}"}', headers: { 'content-type': 'application/json', 'x-mark': 'm' } },
    options.signal ?? new AbortController().signal,
  );

const answering =
  (status: number, body: string, headers: Record<string, string> = {}): RequestListener =>
  (_, response) =>
    response.writeHead(status, headers).end(body);

const sized = (bytes: number) => JSON.stringify({ data: '' }).replace('""', `"${'x'.repeat(bytes - 11)}"`);

/** What a URL has before its host: what names a user is no plain HTTP, and goes by undici. */
let user = '';

describe.each([
  ['our own client', ''],
  ['undici', 'user@'],
])('a call to a subgraph by %s', (_client, part) => {
  beforeAll(() => {
    user = part;
  });
  afterAll(() => {
    user = '';
  });

  it('posts the body with its headers and understands the answer', async () => {
    let seen: unknown = null;
    const url = await serve(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      seen = [request.method, request.url, request.headers['x-mark'], Buffer.concat(chunks).toString()];
      response.end('{"data":{"a":1}}');
    });
    expect(await post(url)).toEqual({ kind: 'answer', status: 200, body: { data: { a: 1 } } });
    expect(seen).toEqual(['POST', '/graphql', 'm', '{"query":"{a}"}']);
  });

  it.each([200, 400, 401, 500, 503])('takes a JSON object of status %i for an answer', async (status) => {
    expect(await post(await serve(answering(status, '{"errors":[]}')))).toMatchObject({
      kind: 'answer',
      status,
    });
  });

  it.each([
    '',
    'null',
    '1',
    '"text"',
    '[]',
    '[{"data":{}}]',
    '<html>',
    '{',
    '{"data":',
    '{"data":{}} x',
    '\u0000',
  ])('takes %j for a failure', async (body) => {
    expect(await post(await serve(answering(200, body)))).toMatchObject({
      kind: 'failure',
      code: 'DOWNSTREAM_SERVICE_ERROR',
    });
  });

  it.each([301, 302, 303, 307, 308])('does not follow a redirect of status %i', async (status) => {
    let followed = false;
    const target = await serve((_, response) => {
      followed = true;
      response.end('{"data":{}}');
    });
    const outcome = await post(await serve(answering(status, '', { location: target })));
    expect(outcome).toMatchObject({ kind: 'failure', code: 'DOWNSTREAM_SERVICE_ERROR' });
    expect(followed).toBe(false);
  });

  it(`takes an answer of ${BYTES_MAX} bytes and no larger one`, async () => {
    expect(sized(BYTES_MAX)).toHaveLength(BYTES_MAX);
    expect((await post(await serve(answering(200, sized(BYTES_MAX))))).kind).toBe('answer');
    expect(await post(await serve(answering(200, sized(BYTES_MAX + 1))))).toMatchObject({
      code: 'DOWNSTREAM_SERVICE_ERROR',
    });
  });

  it('cuts off an answer that never ends', async () => {
    const url = await serve((_, response) => {
      const more = (): void => {
        if (!response.destroyed) response.write('x'.repeat(500), () => setImmediate(more));
      };
      more();
    });
    expect(await post(url)).toMatchObject({ kind: 'failure', code: 'DOWNSTREAM_SERVICE_ERROR' });
  });

  it.each([
    ['no answer', () => undefined],
    [
      'a head without a body',
      (_: unknown, response: Parameters<RequestListener>[1]) => response.writeHead(200).flushHeaders(),
    ],
    [
      'half a body',
      (_: unknown, response: Parameters<RequestListener>[1]) => response.writeHead(200).write('{"data"'),
    ],
  ])('gives up on %s when its time is over', async (_, listener) => {
    const url = await serve(listener as RequestListener);
    expect(await post(url, { timeoutMs: 60 })).toMatchObject({ kind: 'failure', code: 'SUBGRAPH_TIMEOUT' });
  });

  it('gives up when the client goes away', async () => {
    const controller = new AbortController();
    const url = await serve(() => controller.abort());
    expect(await post(url, { signal: controller.signal })).toMatchObject({
      kind: 'failure',
      code: 'REQUEST_ABORTED',
    });
  });

  it('sends nothing for a client that has gone already', async () => {
    let asked = false;
    const url = await serve((_, response) => {
      asked = true;
      response.end('{}');
    });
    expect(await post(url, { signal: AbortSignal.abort() })).toMatchObject({
      kind: 'failure',
      code: 'REQUEST_ABORTED',
    });
    await post(await serve(answering(200, '{}')));
    expect(asked).toBe(false);
  });

  it('tells the whole request running out of time from a client that went away', async () => {
    const signal = AbortSignal.abort(new DOMException('over', 'TimeoutError'));
    expect(await post(await serve(answering(200, '{}')), { signal })).toMatchObject({
      code: 'SUBGRAPH_TIMEOUT',
    });
  });

  it.each([
    ['nothing', ''],
    ['no HTTP', 'hello\r\n\r\n'],
    ['a body shorter than it says', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data":{}}'],
    ['a chunk that is none', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n'],
    ['a cut-off chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{"data":{}}'],
    ['a header that is none', 'HTTP/1.1 200 OK\r\nbad header\r\n\r\n{}'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x'],
  ])('takes a peer that sends %s for a failure', async (_, bytes) => {
    expect(await post(await serveBytes(bytes))).toMatchObject({
      kind: 'failure',
      code: 'DOWNSTREAM_SERVICE_ERROR',
    });
  });

  it('takes a refused connection for a failure', async () => {
    const url = await serve(answering(200, '{}'));
    await Promise.all(closers.splice(0).map((close) => close()));
    expect(await post(url)).toMatchObject({ kind: 'failure', status: 0, code: 'DOWNSTREAM_SERVICE_ERROR' });
  });

  it('never rejects, not even for headers that cannot be sent', async () => {
    const url = await serve(answering(200, '{}'));
    const endpoint = { name: 'a', url, timeoutMs: 1_000 };
    const outcome = await client.post(
      endpoint,
      { body: '', headers: { 'x-a': 'b\r\nx-evil: 1' } },
      new AbortController().signal,
    );
    expect(outcome).toMatchObject({ kind: 'failure', code: 'DOWNSTREAM_SERVICE_ERROR' });
  });
});

describe('the connections to a subgraph', () => {
  /** A subgraph that tells each call's body back once the test lets it, and counts connections. */
  async function echo() {
    const gates: (() => void)[] = [];
    let connections = 0;
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        gates.push(() => response.end(JSON.stringify({ data: Buffer.concat(chunks).toString() })));
        arrivals.shift()?.();
      });
    });
    const arrivals: (() => void)[] = [];
    server.on('connection', () => {
      connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      gates,
      arrival: () => new Promise<void>((resolve) => arrivals.push(resolve)),
      connections: () => connections,
    };
  }

  const send = (own: SubgraphClient, url: string, body: string, signal = new AbortController().signal) =>
    own.post({ name: 'a', url, timeoutMs: 5_000 }, { body, headers: {} }, signal);
  const newClient = () => {
    const own = new SubgraphClient({ responseBytesMax: BYTES_MAX, connectionsMax: 2 }, Date.now);
    closers.push(() => own.close());
    return own;
  };
  const answered = (data: string) => ({ kind: 'answer', status: 200, body: { data } });

  it('are used again, and are as many as may be at most', async () => {
    const own = newClient();
    const { url, gates, arrival, connections } = await echo();
    const arrived = [arrival(), arrival()];
    const calls = ['a', 'b', 'c', 'd', 'e'].map((body) => send(own, url, body));
    await Promise.all(arrived);
    expect(gates).toHaveLength(2);
    for (let left = 3; left > 0; left -= 1) {
      const next = arrival();
      gates.shift()?.();
      await next;
    }
    for (const gate of gates) gate();
    expect(await Promise.all(calls)).toEqual(['a', 'b', 'c', 'd', 'e'].map(answered));
    expect(connections()).toBe(2);
  });

  it('never bring the late answer of a call that was cut off to another', async () => {
    const own = newClient();
    const { url, gates, arrival } = await echo();
    const controller = new AbortController();
    const first = arrival();
    const cut = send(own, url, 'mine', controller.signal);
    await first;
    controller.abort();
    expect(await cut).toMatchObject({ kind: 'failure', code: 'REQUEST_ABORTED' });
    const second = arrival();
    const next = send(own, url, 'yours');
    await second;
    for (const gate of gates) gate();
    expect(await next).toEqual(answered('yours'));
  });

  it('are not asked for a call that left while it waited for one', async () => {
    const own = newClient();
    const { url, gates, arrival } = await echo();
    const arrived = [arrival(), arrival()];
    const running = ['a', 'b'].map((body) => send(own, url, body));
    await Promise.all(arrived);
    const controller = new AbortController();
    const left = send(own, url, 'gone', controller.signal);
    controller.abort();
    expect(await left).toMatchObject({ code: 'REQUEST_ABORTED' });
    for (const gate of gates.splice(0)) gate();
    await Promise.all(running);
    const last = arrival();
    const next = send(own, url, 'c');
    await last;
    gates.shift()?.();
    expect(await next).toEqual(answered('c'));
    expect(gates).toHaveLength(0);
  });

  it('are left after an answer that more followed, so that nobody takes it for his own', async () => {
    const own = newClient();
    let connections = 0;
    const poison = 'HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{"data":"evil"}';
    const server = createTcpServer((socket) => {
      connections += 1;
      const mine = connections;
      socket.on('error', () => socket.destroy());
      socket.on('data', () => {
        const body = JSON.stringify({ data: mine });
        socket.write(
          `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}${mine === 1 ? poison : ''}`,
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    expect(await send(own, url, 'a')).toMatchObject({ body: { data: 1 } });
    expect(await send(own, url, 'b')).toMatchObject({ body: { data: 2 } });
    await own.close();
  });

  it('end with the client: what runs and what waits fails, and nothing starts any more', async () => {
    const own = newClient();
    const { url, arrival } = await echo();
    const arrived = [arrival(), arrival()];
    const calls = ['a', 'b', 'c'].map((body) => send(own, url, body));
    await Promise.all(arrived);
    await own.close();
    for (const outcome of [...(await Promise.all(calls)), await send(own, url, 'd')]) {
      expect(outcome).toMatchObject({ kind: 'failure', code: 'DOWNSTREAM_SERVICE_ERROR' });
    }
  });

  it('carry text outside ASCII whole', async () => {
    const own = newClient();
    const { url, gates, arrival } = await echo();
    const arrived = arrival();
    const call = send(own, url, 'Grüße, 世界 🙂');
    await arrived;
    gates.shift()?.();
    expect(await call).toEqual(answered('Grüße, 世界 🙂'));
  });
});
