import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGuardedFetch } from '../../../../subgraphs/ai/endpoint/guarded-fetch-client.ts';

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

const post = (signal?: AbortSignal) =>
  fetch(url, { method: 'POST', body: '{}', ...(signal === undefined ? {} : { signal }) });

describe('a call of a provider', () => {
  it('tells status, fields and body, and asks for no encoding', async () => {
    answer = (_, response) => response.writeHead(429, 'Slow Down', { 'Retry-After': '7' }).end('später');
    const response = await post();
    expect([response.ok, response.status, response.statusText]).toEqual([false, 429, 'Slow Down']);
    expect(response.headers.get('Retry-After')).toBe('7');
    expect(Object.fromEntries([...response.headers])).toMatchObject({ 'retry-after': '7' });
    expect(await response.text()).toBe('später');
    expect(requests).toEqual(['POST /v1/chat?x=1 identity']);
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

  it('ends with the reason of its signal, before the answer and in its midst', async () => {
    const before = new AbortController();
    answer = () => before.abort(new RangeError('left'));
    await expect(post(before.signal)).rejects.toBeInstanceOf(RangeError);
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

  it('tells of a connection that is cut, with its cause', async () => {
    answer = (request) => request.socket.destroy();
    const fault = await post().catch((thrown: unknown) => thrown);
    expect(fault).toMatchObject({ message: 'fetch failed', cause: expect.any(Error) });
    answer = (_, response) => response.write('first', () => response.destroy());
    const broken = await (await post()).text().catch((thrown: unknown) => thrown);
    expect(broken).toMatchObject({ message: 'terminated', cause: expect.any(Error) });
  });

  it('sends nothing but texts', async () => {
    await expect(fetch(url, { method: 'POST', body: new FormData() })).rejects.toBeInstanceOf(TypeError);
    expect(requests).toEqual([]);
  });
});
