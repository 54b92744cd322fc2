import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDirectHead } from '../../src/listener/direct/direct-head.ts';
import { exchange, open } from './raw-http.ts';
import { type Started, startListener } from './start-listener.ts';

const BODY = JSON.stringify({ query: '{ hello(name: "Zoë") }' });
const LENGTH = Buffer.byteLength(BODY);
const START = 'POST /graphql HTTP/1.1\r\n';
const FIELDS = 'host: x\r\ncontent-type: application/json\r\n';

const request = (fields = '', body = BODY): string =>
  `${START}${FIELDS}${fields}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** The statuses that came back on one connection, up to an answer that ends it. */
const answersTo = async (port: number, bytes: string): Promise<number[]> => {
  const { text } = await exchange(port, bytes);
  return [...text.matchAll(/HTTP\/1\.1 ([0-9]{3})/g)].map(([, status]) => Number(status));
};

const LAST = request('connection: close\r\n');

/** Two connections to listeners that differ in nothing but whether they answer from the bytes. */
async function both(requestTimeoutMs: number): Promise<{ direct: Started; plain: Started }> {
  const direct = await startListener({ requestTimeoutMs });
  // Behind a proxy every request takes the way through Node's server.
  const plain = await startListener({ requestTimeoutMs, trustProxy: true });
  return { direct, plain };
}

const OPTIONS = {
  ...{ path: '/graphql', headerBytesMax: 16_384, bodyBytesMax: 65_536, compression: true },
  defers: false,
};
const headOf = (fields: string) => readDirectHead(`${START}${FIELDS}${fields}content-length: 2`, OPTIONS);

describe('the head of a request that is answered from its bytes', () => {
  it('is read with its names in lower case', () => {
    const head = headOf('X-Forwarded: \t a, b \r\nAuthorization: Bearer t\r\n');
    expect(head).toMatchObject({ contentLength: 2, mediaType: 'application/json', refusal: null });
    expect(head?.headers).toMatchObject({ host: 'x', 'x-forwarded': 'a, b' });
    expect(head?.credentials.authorization).toEqual(['Bearer t']);
  });

  it.each([
    ['another method', 'GET /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 0'],
    ['another path', 'POST /graphql?x HTTP/1.1\r\nhost: x\r\ncontent-length: 0'],
    ['an older version', 'POST /graphql HTTP/1.0\r\nhost: x\r\ncontent-length: 0'],
    ['no host', `${START}content-length: 0`],
    ['no length', `${START}host: x`],
    ['a field twice', `${START}${FIELDS}Host: y\r\ncontent-length: 0`],
    ['two lengths', `${START}${FIELDS}content-length: 0\r\ncontent-length: 0`],
    ['a list of lengths', `${START}${FIELDS}content-length: 0, 0`],
    ['a signed length', `${START}${FIELDS}content-length: +1`],
    ['a length in another base', `${START}${FIELDS}content-length: 0x1`],
    ['a length with a leading zero', `${START}${FIELDS}content-length: 01`],
    ['a length before a blank that is none', `${START}${FIELDS}content-length: 1\u00a0`],
    ['a length over the limit', `${START}${FIELDS}content-length: 65537`],
    ['chunks', `${START}${FIELDS}transfer-encoding: chunked\r\ncontent-length: 0`],
    ['a coding', `${START}${FIELDS}content-encoding: gzip\r\ncontent-length: 0`],
    ['an upgrade', `${START}${FIELDS}upgrade: websocket\r\ncontent-length: 0`],
    ['an expectation', `${START}${FIELDS}expect: 100-continue\r\ncontent-length: 0`],
    ['a connection that ends', `${START}${FIELDS}connection: close\r\ncontent-length: 0`],
    ['a connection that names a field', `${START}${FIELDS}connection: keep-alive, x\r\ncontent-length: 0`],
    ['a wish for a stream', `${START}${FIELDS}accept: text/event-stream\r\ncontent-length: 0`],
    ['a folded line', `${START}${FIELDS}x: a\r\n b\r\ncontent-length: 0`],
    ['a blank before the colon', `${START}${FIELDS}x : a\r\ncontent-length: 0`],
    ['no name', `${START}${FIELDS}: a\r\ncontent-length: 0`],
    ['a bare line feed', `${START}${FIELDS}x: a\ny: b\r\ncontent-length: 0`],
    ['a bare carriage return', `${START}${FIELDS}x: a\ry: b\r\ncontent-length: 0`],
    ['a null', `${START}${FIELDS}x: \u0000\r\ncontent-length: 0`],
    ['a head over the limit', `${START}${FIELDS}x: ${'a'.repeat(16_384)}\r\ncontent-length: 0`],
  ])('is left to Node where it has %s', (_what, text) => {
    expect(readDirectHead(text, OPTIONS)).toBeNull();
  });

  it.each([
    [false, { mediaType: 'application/json', refusal: null }],
    [true, null],
  ])('that takes an answer in parts is left to Node only where there are any: %s', (defers, expected) => {
    const accept = 'multipart/mixed;deferSpec=20220824, application/json';
    const head = readDirectHead(`${START}${FIELDS}accept: ${accept}\r\ncontent-length: 2`, {
      ...OPTIONS,
      defers,
    });
    if (expected === null) expect(head).toBeNull();
    else expect(head).toMatchObject(expected);
  });

  it('keeps a field named like a prototype as a field', () => {
    expect(Object.entries(headOf('__proto__: a\r\n')?.headers ?? {})).toContainEqual(['__proto__', 'a']);
  });
});

describe('a connection that is answered from its bytes', () => {
  it('answers a request wherever it is cut in two', async () => {
    const { port, seen } = await startListener();
    const bytes = Buffer.from(request());
    const cuts = Array.from({ length: 24 }, (_, index) => 1 + Math.floor((index * (bytes.length - 2)) / 23));
    await Promise.all(
      cuts.map(async (cut) => {
        const { socket, answer } = open(port);
        socket.write(bytes.subarray(0, cut), () => {
          setImmediate(() => socket.write(Buffer.concat([bytes.subarray(cut), Buffer.from(LAST)])));
        });
        const { status, body } = await answer;
        expect([status, body.startsWith('{"data":{"hello":"Hello Zoë"}}')]).toEqual([200, true]);
      }),
    );
    expect(seen).toHaveLength(2 * cuts.length);
  });

  it('answers requests that come together one after the other, and what it does not know through Node', async () => {
    const { port, seen } = await startListener();
    const get = `GET /graphql?query={hello} HTTP/1.1\r\nhost: x\r\nx-apollo-operation-name: a\r\n\r\n`;
    const chunked = `${START}${FIELDS}transfer-encoding: chunked\r\nconnection: close\r\n\r\n${LENGTH.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
    expect(await answersTo(port, request() + request('x-a: 1\r\n') + get + chunked)).toEqual([
      200, 200, 200, 200,
    ]);
    expect(seen.map(({ method }) => method)).toEqual(['POST', 'POST', 'GET', 'POST']);
  });

  it('takes each request with the credential of its own head', async () => {
    const { port, seen } = await startListener();
    const as = (token: string) => request(`authorization: Bearer ${token}\r\n`);
    await exchange(port, as('a') + as('b') + as('b') + request() + as('a') + LAST);
    const tokens = seen.map(({ authorization: [value] }) => value ?? null);
    expect(tokens).toEqual(['Bearer a', 'Bearer b', 'Bearer b', null, 'Bearer a', null]);
  });

  it('never takes a body for a request', async () => {
    const { port, seen } = await startListener();
    const inner = JSON.stringify({ query: `{ hello } # ${request()}` });
    expect(await answersTo(port, request('', inner) + LAST)).toEqual([200, 200]);
    expect(seen).toHaveLength(2);
  });

  it.each([
    [
      'two framings',
      `${START}${FIELDS}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${LAST}`,
    ],
    ['two lengths', `${START}${FIELDS}content-length: ${LENGTH}\r\ncontent-length: 0\r\n\r\n${BODY}${LAST}`],
    ['a length that is none', `${START}${FIELDS}content-length: ${LENGTH}x\r\n\r\n${BODY}${LAST}`],
    ['a bare line feed in a field', `${START}${FIELDS}a: b\ncontent-length: 0\r\n\r\n${LAST}`],
  ])('refuses %s and reads nothing behind it', async (_what, bytes) => {
    const { port, seen } = await startListener();
    expect(await answersTo(port, bytes)).toEqual([400]);
    expect(seen).toEqual([]);
  });

  it('reads a head no other way than Node does', { timeout: 60_000 }, async () => {
    // What has an end is read at once by both; a machine that is busy may hold one of them up, but not for so long.
    const [hurried, patient] = [await both(200), await both(5_000)];
    // How many answers still go out before a connection that broke off ends is a matter of time; what was taken for a request is not.
    const takenFrom = async (where: Started, bytes: string) => {
      const before = where.seen.length;
      await exchange(where.port, bytes);
      return where.seen.slice(before).map(({ params }) => params);
    };
    const pieces = fc.constantFrom(
      ...['\r\n', '\n', '\r', ' ', '\t', ':', ',', '\u0000', '\u00e9', 'x: y\r\n', 'Content-Length: 3\r\n'],
      ...['transfer-encoding: chunked\r\n', 'connection: x\r\n', 'Expect: 100-continue\r\n', 'HTTP/1.0'],
    );
    const head = `${START}${FIELDS}content-length: ${LENGTH}\r\n\r\n`;
    const mutation = fc.record({ at: fc.nat(head.length), cut: fc.nat(4), piece: pieces });
    const mutated = mutation.map(
      ({ at, cut, piece }) => `${head.slice(0, at)}${piece}${head.slice(at + cut)}${BODY}${LAST}`,
    );
    const readings = ({ direct, plain }: typeof hurried, bytes: string) =>
      Promise.all([takenFrom(direct, bytes), takenFrom(plain, bytes)]);
    await fc.assert(
      fc.asyncProperty(mutated, async (bytes) => {
        const [ours, nodes] = await readings(hurried, bytes);
        if (isDeepStrictEqual(ours, nodes)) return;
        const [oursAtLast, nodesAtLast] = await readings(patient, bytes);
        expect(oursAtLast).toEqual(nodesAtLast);
      }),
      { numRuns: 120 },
    );
  });
});
