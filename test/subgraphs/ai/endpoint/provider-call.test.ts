import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGuardedFetch } from '../../../../subgraphs/ai/endpoint/guarded-fetch-client.ts';
import {
  ANSWER_BYTES_MAX,
  ResponseTooLargeError,
} from '../../../../subgraphs/ai/endpoint/provider-response.ts';

const { fetch, close } = createGuardedFetch({ named: new Set(['127.0.0.1']) });
let server: Server;
let url: string;
let answer: RequestListener;
let requests: string[];

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url} ${request.headers['accept-encoding']}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/chat?x=1`;
});
beforeEach(() => {
  requests = [];
});
afterAll(async () => {
  await close();
  await new Promise((resolve) => server.close(resolve));
});

/** Answers are read as they come, or taken as a whole. */
const WAYS: readonly (readonly [string, object])[] = [
  ['as it comes', {}],
  ['as a whole', { isWhole: true }],
];
const posting = (way: object) => (signal?: AbortSignal) =>
  fetch(url, { method: 'POST', body: '{}', ...way, ...(signal === undefined ? {} : { signal }) });

describe.each(WAYS)('a call of a provider whose answer is read %s', (_, way) => {
  const post = posting(way);

  it('tells status, fields and body, and asks for no encoding', async () => {
    answer = (_, response) =>
      response.writeHead(429, 'Slow Down', { 'Retry-After': '7', 'X-A': ['1', '2'] }).end('später');
    const response = await post();
    expect([response.ok, response.status, response.statusText]).toEqual([false, 429, 'Slow Down']);
    expect(response.headers.get('Retry-After')).toBe('7');
    expect(Object.fromEntries([...response.headers])).toMatchObject({ 'retry-after': '7' });
    expect(response.headers.get('x-a')).toBe('1, 2');
    expect(await response.text()).toBe('später');
    expect(requests).toEqual(['POST /v1/chat?x=1 identity']);
  });

  it('passes over the mark that a body may begin with, and no other', async () => {
    answer = (_, response) => response.end('\ufeff{"a":"\ufeff"}');
    expect(await (await post()).json()).toEqual({ a: '\ufeff' });
    answer = (_, response) => response.end('\ufeff\ufeff');
    expect(await (await post()).text()).toBe('\ufeff');
  });

  it('reads a body that is far larger than what is held of it', async () => {
    const body = 'ä'.repeat(1_000_000);
    answer = (_, response) => response.end(body);
    expect((await (await post()).text()) === body).toBe(true);
  });

  it.each([301, 302, 303, 307, 308])('follows no redirect of status %i', async (status) => {
    answer = (_, response) => response.writeHead(status, { location: url }).end();
    await expect(post()).rejects.toBeInstanceOf(TypeError);
    expect(requests).toHaveLength(1);
  });

  it('refuses an answer in an encoding that it did not ask for', async () => {
    answer = (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{}'));
    await expect(post()).rejects.toBeInstanceOf(TypeError);
  });

  it.each(['identity', 'none', ''])(
    'takes an answer that says by %j that it is not encoded',
    async (coding) => {
      answer = (_, response) => response.writeHead(200, { 'content-encoding': coding }).end('{}');
      expect(await (await post()).json()).toEqual({});
    },
  );

  it('sends nothing where it has ended before', async () => {
    await expect(post(AbortSignal.abort(new RangeError('left')))).rejects.toBeInstanceOf(RangeError);
    expect(requests).toEqual([]);
  });

  it('ends with the reason of its signal, before the answer, and its connection with it', async () => {
    const before = new AbortController();
    const closed = Promise.withResolvers<void>();
    answer = (request) => {
      request.socket.on('close', closed.resolve);
      before.abort(new RangeError('left'));
    };
    await expect(post(before.signal)).rejects.toBeInstanceOf(RangeError);
    await closed.promise;
  });

  it('tells of a connection that is cut, with its cause', async () => {
    answer = (request) => request.socket.destroy();
    const fault = await post().catch((thrown: unknown) => thrown);
    expect(fault).toMatchObject({ message: 'fetch failed', cause: expect.any(Error) });
    answer = (_, response) => response.write('first', () => response.destroy());
    const broken = await post()
      .then((response) => response.text())
      .catch((thrown: unknown) => thrown);
    expect(broken).toMatchObject({ message: 'terminated', cause: expect.any(Error) });
  });
});

describe('a call of a provider', () => {
  const post = posting({});

  it('ends with the reason of its signal in the midst of an answer', async () => {
    const midst = new AbortController();
    const closed = Promise.withResolvers<void>();
    answer = (_, response) => {
      response.on('close', closed.resolve);
      response.write('first');
    };
    const reader = (await post(midst.signal)).body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? [])).toEqual(Buffer.from('first'));
    const next = reader?.read();
    midst.abort(new RangeError('left'));
    await expect(next).rejects.toBeInstanceOf(RangeError);
    await expect(reader?.read()).rejects.toBeInstanceOf(RangeError);
    await closed.promise;
  });

  it('ends the connection of an answer that is not read to its end', async () => {
    const closed = Promise.withResolvers<void>();
    answer = (_, response) => {
      response.on('close', closed.resolve);
      response.write('first');
    };
    await (await post()).body?.cancel();
    await closed.promise;
  });

  it('sends nothing but texts', async () => {
    await expect(fetch(url, { method: 'POST', body: new FormData() })).rejects.toBeInstanceOf(TypeError);
    expect(requests).toEqual([]);
  });

  it('taken as a whole is held to its bound, however its length is told', async () => {
    const post = posting({ isWhole: true });
    const large = Buffer.alloc(ANSWER_BYTES_MAX + 1, 'a');
    const ways: RequestListener[] = [
      (_, response) => response.writeHead(200, { 'content-length': large.length }).end(large),
      (_, response) => response.writeHead(200, { 'transfer-encoding': 'chunked' }).end(large),
    ];
    for (const way of ways) {
      answer = way;
      await expect(post()).rejects.toBeInstanceOf(ResponseTooLargeError);
    }
  });

  it('taken as a whole can be read again as it would have come, over one connection for one after the other', async () => {
    const post = posting({ isWhole: true });
    const ports = new Set<number | undefined>();
    answer = (request, response) => {
      ports.add(request.socket.remotePort);
      response.end('{"é":1}');
    };
    const reader = (await post()).body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('{"é":1}');
    expect((await reader?.read())?.done).toBe(true);
    expect(await (await post()).json()).toEqual({ é: 1 });
    expect(ports.size).toBe(1);
  });

  it('sends bodies beyond ASCII byte by byte, and no field that would be another request', async () => {
    const bodies: string[] = [];
    answer = (request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => bodies.push(text));
      request.on('end', () => response.end('{}'));
    };
    const sending = (headers: Record<string, string>, body: string) =>
      fetch(url, { method: 'POST', headers, body, ...{ isWhole: true } });
    await sending({}, 'später 日本');
    expect(bodies).toEqual(['später 日本']);
    await expect(sending({ 'x-a': 'b\r\nx-c: d' }, '{}')).rejects.toThrow();
    await expect(sending({ 'content-length': '1' }, '{}')).rejects.toThrow();
    expect(requests).toHaveLength(1);
  });
});
