import { GraphQLError, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningSubgraph } from '../../../subgraphs/kit/subgraph-server.ts';
import { exchange, open } from '../../listener/raw-http.ts';
import { createSigner, startProbe } from '../support.ts';

const typeDefs = parse(`
  type Query { echo(text: String!): String! slow: String odd: String }
`);
let calls = 0;
let started = Promise.withResolvers<void>();
let slow = Promise.withResolvers<string>();
const resolvers = {
  Query: {
    echo: (_: unknown, { text }: { text: string }) => {
      calls += 1;
      return text;
    },
    slow: () => {
      started.resolve();
      return slow.promise;
    },
    odd: () => {
      throw new GraphQLError('Odd.', { extensions: { http: { headers: new Map([['x-odd', 'a']]) } } });
    },
  },
};

const TYPE = 'content-type: application/json\r\n';
/** What gateways say that they accept, which is answered past Node's server, and what others do. */
const [USUAL, OTHER] = ['accept: application/json\r\n', 'accept: application/json, */*;q=0.1\r\n'];
const ECHO = 'query ($text: String!) { echo(text: $text) }';
const echo = (text: string): string => JSON.stringify({ query: ECHO, variables: { text } });
let running: RunningSubgraph;
let port: number;
let assertion: string;

async function start(): Promise<RunningSubgraph> {
  return startProbe({ typeDefs, resolvers, trust: { jwks: (await signing).jwks } }, []);
}
const signing = createSigner();

beforeAll(async () => {
  running = await start();
  port = Number(new URL(running.url).port);
  assertion = `x-portcullis-assertion: ${await (await signing).sign()}\r\n`;
});
afterAll(() => running.close());

const request = (fields: string, body: string): string =>
  `POST /graphql HTTP/1.1\r\nhost: a\r\n${fields}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
/** Ends the connection, by Node's server. */
const last = (): string => request(`${TYPE}${assertion}connection: close\r\n`, echo('last'));

/** Status, type and body of each answer on one connection. */
async function answersTo(bytes: string) {
  const { text } = await exchange(port, bytes);
  return text.split(/(?=HTTP\/1\.1 [0-9]{3} )/u).map((answer) => {
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    const [, type = null] = /\r\ncontent-type: ([^\r]*)/iu.exec(head) ?? [];
    return { status: Number(head.slice(9, 12)), type, body };
  });
}

describe('what a gateway sends', () => {
  it('is answered in the order that it came, each with a length, and the connection is kept', async () => {
    const { socket, answer } = open(port);
    socket.write(
      request(TYPE + USUAL + assertion, echo('ä')) + request(TYPE + assertion, echo('b')) + last(),
    );
    const { text } = await answer;
    expect([...text.matchAll(/"echo":"([^"]*)"/gu)].map(([, said]) => said)).toEqual(['ä', 'b', 'last']);
    // As the lane prints it; Node's server begins its names with capitals.
    expect(text).toContain('content-length: 22\r\ndate: ');
    expect(text).toContain('connection: keep-alive\r\nkeep-alive: timeout=75\r\n');
  });

  it.each([
    ['an operation', () => [assertion, echo('a')]],
    ['an operation that fits no schema', () => [assertion, '{"query":"{ nothing }"}']],
    ['variables that do not fit', () => [assertion, `{"query":${JSON.stringify(ECHO)}}`]],
    ['no JSON', () => [assertion, '{"query":']],
    ['JSON without end', () => [assertion, '['.repeat(100_000)]],
    ['a batch', () => [assertion, `[${echo('a')}]`]],
    ['no body', () => [assertion, '']],
    ['an error with fields of its own', () => [assertion, '{"query":"{ odd }"}']],
    ['an assertion that nobody signed', () => ['x-portcullis-assertion: a.b.c\r\n', echo('a')]],
    ['no assertion', () => ['', echo('a')]],
    ['two assertions', () => [assertion + assertion, echo('a')]],
    ['an empty assertion', () => ['x-portcullis-assertion: \r\n', echo('a')]],
  ] as const)('with %s is answered as by the way of all others', async (_, parts) => {
    const [fields = '', body = ''] = parts();
    const [one] = await answersTo(request(TYPE + USUAL + fields, body) + last());
    const [other] = await answersTo(request(TYPE + OTHER + fields, body) + last());
    const { body: told, ...rest } = one ?? { body: '' };
    const { body: expected, ...expectedRest } = other ?? { body: '' };
    expect(rest).toEqual(expectedRest);
    expect(JSON.parse(told)).toEqual(JSON.parse(expected));
  });

  it('reaches no resolver without an assertion that verifies', async () => {
    calls = 0;
    for (const fields of ['', 'x-portcullis-assertion: a.b.c\r\n', assertion + assertion])
      expect((await answersTo(request(TYPE + USUAL + fields, echo('a')) + last()))[0]?.status).toBe(401);
    // Those that end each connection.
    expect(calls).toBe(3);
  });

  it.each([
    ['a length and chunks', 'transfer-encoding: chunked\r\n'],
    ['two lengths', 'content-length: 3\r\n'],
    ['a bare line feed', 'x: a\ny: b\r\n'],
    ['a blank before a colon', 'x : a\r\n'],
  ])('with %s is refused, and the rest is no request', async (_, fields) => {
    calls = 0;
    const hidden = request(TYPE + USUAL + assertion, echo('hidden'));
    const answers = await answersTo(request(TYPE + USUAL + assertion + fields, echo('a')) + hidden + last());
    expect(answers.map(({ status }) => status)).toEqual([400]);
    expect(calls).toBe(0);
  });

  it('is left without an answer where its sender leaves in its midst', async () => {
    const { socket, answer } = open(port);
    socket.end(request(TYPE + USUAL + assertion, echo('a')).slice(0, -1));
    expect((await answer).text).toBe('');
    expect((await answersTo(request(TYPE + USUAL + assertion, echo('b')) + last()))[0]?.status).toBe(200);
  });
});

it('answers what runs when it closes, as the last on its connection, and ends the others', async () => {
  const closing = await start();
  const at = Number(new URL(closing.url).port);
  [started, slow] = [Promise.withResolvers(), Promise.withResolvers()];
  const idle = open(at);
  idle.socket.write(request(TYPE + USUAL + assertion, echo('a')));
  await new Promise((resolve) => idle.socket.once('data', resolve));
  const busy = open(at);
  busy.socket.write(request(TYPE + USUAL + assertion, '{"query":"{ slow }"}'));
  await started.promise;
  const closed = closing.close();
  expect((await idle.answer).status).toBe(200);
  slow.resolve('at last');
  const { text } = await busy.answer;
  expect(text).toContain('connection: close\r\n\r\n{"data":{"slow":"at last"}}');
  await closed;
});
