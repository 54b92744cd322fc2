import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { exchange, open, rawCode } from './raw-http.ts';
import { codeOf, post, startListener } from './start-listener.ts';

const BODY_BYTES_MAX = 4096;

/** A body of exactly so many bytes. */
function bodyOf(bytes: number): string {
  const empty = JSON.stringify({ query: '{ hello } #' });
  return JSON.stringify({ query: `{ hello } #${'x'.repeat(bytes - empty.length)}` });
}

const head = (fields: string) =>
  `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${fields}\r\n`;

describe('the body limit', () => {
  it('takes a body of exactly the limit and refuses one byte more, by its content length', async () => {
    const { url, refusals } = await startListener({ bodyBytesMax: BODY_BYTES_MAX });
    expect((await post(url, bodyOf(BODY_BYTES_MAX))).status).toBe(200);
    const refused = await post(url, bodyOf(BODY_BYTES_MAX + 1));
    expect([refused.status, await codeOf(refused)]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect(refusals()).toEqual(['PAYLOAD_TOO_LARGE']);
  });

  it('refuses by the announced length without waiting for the body', async () => {
    const { port } = await startListener({ bodyBytesMax: BODY_BYTES_MAX });
    const { socket, answer } = open(port);
    socket.write(head('content-length: 1000000000\r\n'));
    expect(await answer).toMatchObject({ status: 413 });
  });

  it('takes a chunked body of exactly the limit and refuses one byte more', async () => {
    const { port } = await startListener({ bodyBytesMax: BODY_BYTES_MAX });
    const chunked = (text: string) =>
      `${head('transfer-encoding: chunked\r\nconnection: close\r\n')}${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
    expect((await exchange(port, chunked(bodyOf(BODY_BYTES_MAX)))).status).toBe(200);
    const refused = await exchange(port, chunked(bodyOf(BODY_BYTES_MAX + 1)));
    expect([refused.status, rawCode(refused)]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });

  it('answers a sender that goes on sending, and then closes', async () => {
    const { port } = await startListener({ bodyBytesMax: BODY_BYTES_MAX });
    const { socket, answer } = open(port);
    socket.write(head('transfer-encoding: chunked\r\n'));
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const pump = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', pump);
    pump();
    const { status, head: fields } = await answer;
    expect(status).toBe(413);
    expect(fields).toContain('connection: close');
  });
});

describe('coded bodies', () => {
  const CODERS = [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const;

  it.each(CODERS)('takes %s up to the decoded limit and refuses one byte more', async (coding, encode) => {
    const { url } = await startListener({ bodyBytesMax: BODY_BYTES_MAX });
    const headers = { 'content-encoding': coding };
    expect((await post(url, encode(bodyOf(BODY_BYTES_MAX)), headers)).status).toBe(200);
    const refused = await post(url, encode(bodyOf(BODY_BYTES_MAX + 1)), headers);
    expect([refused.status, await codeOf(refused)]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });

  it.each(CODERS)('refuses a %s bomb at the cost of the limit', async (coding, encode) => {
    const { url, refusals } = await startListener({ bodyBytesMax: 64 * 1024 });
    const bomb = encode(Buffer.alloc(20 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(64 * 1024);
    const before = process.memoryUsage().arrayBuffers;
    const refused = await post(url, bomb, { 'content-encoding': coding });
    expect([refused.status, await codeOf(refused)]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 * 1024 * 1024);
    expect(refusals()).toEqual(['PAYLOAD_TOO_LARGE']);
  });

  it('refuses bytes that are not of the stated coding, and cut ones', async () => {
    const { url } = await startListener();
    const cut = gzipSync(bodyOf(1000)).subarray(0, 50);
    for (const bytes of [Buffer.from(bodyOf(100)), cut]) {
      const refused = await post(url, bytes, { 'content-encoding': 'gzip' });
      expect([refused.status, await codeOf(refused)]).toEqual([400, 'BAD_REQUEST']);
    }
  });

  it.each(['zstd', 'gzip, gzip', 'gzip, br'])('refuses the coding %j', async (coding) => {
    const { url } = await startListener();
    const refused = await post(url, bodyOf(100), { 'content-encoding': coding });
    expect([refused.status, await codeOf(refused)]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    expect(refused.headers.get('accept-encoding')).toBe('gzip, deflate, br');
  });
});

describe('text', () => {
  it('refuses invalid UTF-8', async () => {
    const { url } = await startListener();
    const bytes = Buffer.concat([
      Buffer.from('{"query":"{ hello } #'),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]);
    const refused = await post(url, bytes);
    expect([refused.status, await codeOf(refused)]).toEqual([400, 'BAD_REQUEST']);
  });

  it('refuses another charset', async () => {
    const { url } = await startListener();
    const refused = await post(url, bodyOf(100), { 'content-type': 'application/json; charset=utf-16le' });
    expect([refused.status, await codeOf(refused)]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  it('reads characters cut by the boundary of two packets', async () => {
    const { port } = await startListener();
    const bytes = Buffer.from(JSON.stringify({ query: '{ hello(name: "🏃") }' }));
    const { socket, answer } = open(port);
    const cut = bytes.indexOf(0xf0) + 2;
    socket.write(head(`content-length: ${bytes.length}\r\nconnection: close\r\n`));
    socket.write(bytes.subarray(0, cut), () => setImmediate(() => socket.write(bytes.subarray(cut))));
    expect(JSON.parse((await answer).body)).toEqual({ data: { hello: 'Hello 🏃' } });
  });

  it('refuses JSON nested a hundred thousand levels deep', async () => {
    const { url } = await startListener({ bodyBytesMax: 1 << 20 });
    const deep = `{"query":"{hello}","variables":{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`;
    const refused = await post(url, deep);
    expect([refused.status, await codeOf(refused)]).toEqual([400, 'BAD_REQUEST']);
  });
});

describe('slow and broken senders', () => {
  it('refuses a body that does not arrive in time', async () => {
    const { port, refusals } = await startListener({ requestTimeoutMs: 100 });
    const { socket, answer } = open(port);
    socket.write(`${head('content-length: 100\r\n')}{"query":`);
    const refused = await answer;
    expect([refused.status, rawCode(refused)]).toEqual([408, 'REQUEST_NOT_RECEIVED']);
    expect(refusals()).toEqual(['REQUEST_NOT_RECEIVED']);
  });

  it('refuses a body that trickles', async () => {
    const { port } = await startListener({ requestTimeoutMs: 100 });
    const { socket, answer } = open(port);
    socket.write(head('content-length: 10000\r\n'));
    const trickle = setInterval(() => socket.write(' '), 10);
    const refused = await answer;
    clearInterval(trickle);
    expect(refused.status).toBe(408);
  });

  it('refuses header fields that do not arrive in time', async () => {
    const { port } = await startListener({ requestTimeoutMs: 100 });
    const { socket, answer } = open(port);
    socket.write('POST /graphql HTTP/1.1\r\nhost: x\r\nx-slow: ');
    const refused = await answer;
    expect([refused.status, rawCode(refused)]).toEqual([408, 'REQUEST_NOT_RECEIVED']);
  });

  it('records a sender that goes away in the middle of its body', async () => {
    let told: (code: string) => void = () => undefined;
    const code = new Promise<string>((resolve) => {
      told = resolve;
    });
    const handle = async ({ params }: { params: object }) => {
      told('code' in params ? String(params.code) : 'none');
      return { status: 499, headers: {}, body: {} };
    };
    const { port } = await startListener({}, { handle });
    const { socket } = open(port);
    socket.write(`${head('content-length: 100\r\n')}{"query":`, () => socket.destroy());
    expect(await code).toBe('REQUEST_ABORTED');
  });

  it.each([
    ['bytes that are not HTTP', 'hello\r\n\r\n', 400, 'BAD_REQUEST'],
    ['a request without host', 'GET /graphql HTTP/1.1\r\n\r\n', 400, 'none'],
    ['two content lengths', head('content-length: 1\r\ncontent-length: 2\r\n'), 400, 'BAD_REQUEST'],
    [
      'a content length beside a transfer encoding',
      head('content-length: 4\r\ntransfer-encoding: chunked\r\n'),
      400,
      'BAD_REQUEST',
    ],
  ])('refuses %s', async (_title, bytes, status, code) => {
    const { port } = await startListener();
    const refused = await exchange(port, bytes);
    expect(refused.status).toBe(status);
    if (code !== 'none') expect(rawCode(refused)).toBe(code);
  });
});

describe('the header limit', () => {
  it('takes fields below it and refuses more with a well-formed answer', async () => {
    const { url, port } = await startListener({ headerBytesMax: 4096 });
    expect((await post(url, bodyOf(100), { 'x-padding': 'x'.repeat(3000) })).status).toBe(200);
    const refused = await exchange(port, head(`x-padding: ${'x'.repeat(4096)}\r\n`));
    expect([refused.status, rawCode(refused)]).toEqual([431, 'HEADERS_TOO_LARGE']);
    expect(refused.head).toContain('content-type: application/json; charset=utf-8');
    expect(refused.head).toContain('cache-control: no-store');
    expect(JSON.parse(refused.body).errors[0].extensions.requestId).toMatch(/^id-/);
  });

  it('counts the URL', async () => {
    const { port } = await startListener({ headerBytesMax: 4096 });
    const refused = await exchange(
      port,
      `GET /graphql?query=${'x'.repeat(4096)} HTTP/1.1\r\nhost: x\r\n\r\n`,
    );
    expect([refused.status, rawCode(refused)]).toEqual([431, 'HEADERS_TOO_LARGE']);
  });

  it('drops no field, however many small ones come before it', async () => {
    const { port, seen } = await startListener({ headerBytesMax: 64 * 1024 });
    const body = '{"query":"{hello}"}';
    const many = 'a: b\r\n'.repeat(5000);
    await exchange(
      port,
      head(
        `${many}authorization: A\r\nAuthorization: B\r\ncontent-length: ${body.length}\r\nconnection: close\r\n`,
      ) + body,
    );
    expect(seen[0]?.authorization).toEqual(['A', 'B']);
  });
});
