import { assert, constantFrom, property } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/errors.ts';
import { mayStream } from '../../../src/listener/direct/direct-chat.ts';
import type { GatewayAnswer, GraphQLRequest } from '../../../src/listener/request.ts';
import { exchange } from '../raw-http.ts';
import { createStarted, type Started } from '../start-listener.ts';

const PATH = '/v1/chat/completions';
const FIELDS = 'host: x\r\ncontent-type: application/json\r\nauthorization: Bearer pk_key\r\n';
const CHAT = { model: 'm', messages: [{ role: 'user', content: 'Zoë' }] };

/** A graph that has one chat, and refuses what was refused before. */
async function handle({ id, params, streams }: GraphQLRequest): Promise<GatewayAnswer> {
  if (params instanceof GatewayError) {
    const { code, status, message } = params;
    return {
      ...{ status, headers: { 'retry-after': '1' } },
      body: { errors: [{ message, extensions: { code, requestId: id } }] },
    };
  }
  const usage = { inputTokens: 1, outputTokens: 2, totalTokens: 3 };
  const result = { text: 'Grüße', toolCalls: [], finishReason: 'STOP', usage, failure: null };
  const chatStream = { text: null, toolCall: null, finishReason: 'STOP', usage, failure: null };
  if (!streams) return { status: 200, headers: { 'x-cost-actual': '7' }, body: { data: { chat: result } } };
  return {
    kind: 'stream',
    events: (async function* () {
      yield { status: 200, headers: {}, body: { data: { chatStream } } };
    })(),
  };
}

/** Listeners that differ in nothing but whether they answer from the bytes of a connection. */
let direct: Started;
let framework: Started;
beforeAll(async () => {
  const open = (trustProxy: boolean) =>
    createStarted({ openAiPath: '/v1', trustProxy }, { handle, newId: () => 'id' }).listen();
  [direct, framework] = await Promise.all([open(false), open(true)]);
});
afterAll(() => Promise.all([direct.listener.close(), framework.listener.close()]));

const request = (body: string | Buffer, fields = FIELDS, path = PATH): Buffer =>
  Buffer.concat([
    Buffer.from(`POST ${path} HTTP/1.1\r\n${fields}content-length: ${Buffer.byteLength(body)}\r\n\r\n`),
    Buffer.from(body),
  ]);
/** Ends its connection, by way of Node's server. */
const LAST = request(JSON.stringify(CHAT), `${FIELDS}connection: close\r\n`);
const LAST_SEEN = 1;

/** The first answer on a connection, but for what every server says of the moment, and what reached the graph. */
async function answered({ port, seen }: Started, bytes: Buffer) {
  const before = seen.length;
  const { text } = await exchange(port, Buffer.concat([bytes, LAST]));
  const [first = ''] = text.split(/(?=HTTP\/1\.1 )/u);
  const lines = first.split('\r\n').filter((line) => !/^(?:date|connection|keep-alive):/iu.test(line));
  const asked = seen.slice(before, seen.length - LAST_SEEN).map(({ params, authorization, ...rest }) => {
    const said = params instanceof GatewayError ? params.code : params;
    return { said, authorization, method: rest.method, type: rest.responseMediaType, streams: rest.streams };
  });
  return {
    lines: lines.map((line) => line.replace(/^[A-Za-z-]+:/u, (name) => name.toLowerCase())).sort(),
    asked,
  };
}

describe('a chat that is answered from the bytes of its connection', () => {
  it.each([
    ['a plain chat', request(JSON.stringify(CHAT))],
    ['a chat that is streamed', request(JSON.stringify({ ...CHAT, stream: true }))],
    [
      'a stream that is spelled otherwise',
      request('{"\\u0073tream":true,"model":"m","messages":[{"role":"user","content":"a"}]}'),
    ],
    ['a chat that speaks of a stream', request(JSON.stringify({ ...CHAT, stop: ['stream'] }))],
    ['a parameter that is not known', request(JSON.stringify({ ...CHAT, n: 3 }))],
    ['no JSON', request('{"model":')],
    ['no UTF-8', request(Buffer.from([0x7b, 0xff, 0x7d]))],
    ['no content type', request(JSON.stringify(CHAT), 'host: x\r\n')],
    ['a simple content type', request(JSON.stringify(CHAT), 'host: x\r\ncontent-type: text/plain\r\n')],
    [
      'another charset',
      request(JSON.stringify(CHAT), 'host: x\r\ncontent-type: application/json; charset=latin1\r\n'),
    ],
    ['a wish for another type', request(JSON.stringify(CHAT), `${FIELDS}accept: text/html\r\n`)],
    ['a wish for a coding', request(JSON.stringify(CHAT), `${FIELDS}accept-encoding: gzip\r\n`)],
    ['a key in lower case', request(JSON.stringify(CHAT), FIELDS.replace('Bearer', 'bearer'))],
    ['what is kept', request(JSON.stringify(CHAT), `${FIELDS}cache-control: no-store\r\n`)],
    [
      'another path of the door',
      request(JSON.stringify({ model: 'm', input: 'a' }), FIELDS, '/v1/embeddings'),
    ],
    ['no path of the door', request(JSON.stringify(CHAT), FIELDS, '/v1/chat/completionsx')],
  ])('is answered as by way of the framework: %s', async (_what, bytes) => {
    const told = await answered(direct, bytes);
    expect(told).toEqual(await answered(framework, bytes));
    expect(told.asked.length + told.lines.length).toBeGreaterThan(1);
  });

  it('keeps its connection, past Node’s server', async () => {
    const { text } = await exchange(direct.port, Buffer.concat([request(JSON.stringify(CHAT)), LAST]));
    expect(text.match(/HTTP\/1\.1 200/gu)).toHaveLength(2);
    // Node spells its fields with capitals.
    expect(text).toMatch(/\r\ndate: [\s\S]*\r\nDate: /u);
  });

  it('is refused with a body over the limit', async () => {
    const { text } = await exchange(direct.port, request('x'.repeat(64 * 1024 + 1)));
    expect(text).toMatch(/^HTTP\/1\.1 413 /u);
  });
});

it('knows a stream in every spelling of its name', () => {
  const escaped = (letter: string) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const spelled = (letter: string) =>
    constantFrom(letter, escaped(letter), escaped(letter).toUpperCase().replace('U', 'u'));
  const [s, t, r, e, a, m] = ['s', 't', 'r', 'e', 'a', 'm'].map(spelled);
  if (!(s && t && r && e && a && m)) return expect.unreachable();
  assert(
    property(s, t, r, e, a, m, (...letters) => {
      const body = `{"${letters.join('')}":true}`;
      expect(JSON.parse(body)).toEqual({ stream: true });
      expect(mayStream(Buffer.from(body))).toBe(true);
    }),
  );
});

it('leaves no chat to Node’s server that has no such field', () => {
  expect(mayStream(Buffer.from(JSON.stringify({ ...CHAT, stop: ['a stream', '\u00e9', '\u2028'] })))).toBe(
    false,
  );
});
