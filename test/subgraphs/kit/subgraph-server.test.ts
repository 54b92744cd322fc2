import { connect } from 'node:net';
import { GraphQLError, parse } from 'graphql';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type RunningSubgraph,
  type SubgraphContext,
  startSubgraph,
} from '../../../subgraphs/kit/subgraph-server.ts';
import { createSigner, post, startProbe, type TurnLoaders } from '../support.ts';

const HEADER = 'x-portcullis-assertion';
const typeDefs = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Query { whoami: String! loaderTurn: Int! refused: String leaky: String echo(text: String!): String! }
`);
const resolvers = {
  Query: {
    whoami: (_: unknown, __: unknown, { principal }: SubgraphContext<TurnLoaders>) => {
      calls += 1;
      return `${principal.tenant}/${principal.subject}`;
    },
    loaderTurn: (_: unknown, __: unknown, { loaders }: SubgraphContext<TurnLoaders>) => loaders.turn,
    refused: () => {
      throw new GraphQLError('Not today.', { extensions: { code: 'NOT_TODAY' } });
    },
    leaky: () => {
      throw new TypeError('password=hunter2');
    },
    echo: (_: unknown, { text }: { text: string }) => text,
  },
};

let calls = 0;
const lines: string[] = [];
let running: RunningSubgraph;
let signer: Awaited<ReturnType<typeof createSigner>>;
let headers: Record<string, string>;

beforeAll(async () => {
  signer = await createSigner();
  running = await startProbe({ typeDefs, resolvers, trust: { jwks: signer.jwks } }, lines);
  headers = { [HEADER]: await signer.sign() };
});

afterAll(() => running.close());

beforeEach(() => {
  calls = 0;
  lines.length = 0;
});

/** Sends raw bytes, for requests that no client library would make; resolves with the status line. */
function statusLineOf(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(running.url).port), '127.0.0.1', () => socket.write(bytes));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(String(data).split('\r\n')[0] ?? '');
    });
    socket.once('error', reject);
  });
}

describe('a subgraph', () => {
  it('listens on the loopback address alone and says where', () => {
    expect(running.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/graphql$/);
  });

  it('gives resolvers the principal of the assertion', async () => {
    const { status, body } = await post(running.url, { query: '{ whoami }' }, headers);
    expect([status, body]).toEqual([200, { data: { whoami: 'acme/acme-ada' } }]);
  });

  it('makes new loaders for each request, even of the same caller', async () => {
    const turn = async () =>
      (await post(running.url, { query: '{ loaderTurn }' }, headers)).body.data?.['loaderTurn'];
    expect(await turn()).not.toBe(await turn());
  });

  it('refuses a request without an assertion before a resolver runs', async () => {
    const { status, body } = await post(running.url, { query: '{ whoami }' }, {});
    expect([status, body.errors?.[0]?.extensions, calls]).toEqual([401, { code: 'UNAUTHENTICATED' }, 0]);
  });

  it('refuses a bad assertion, and says no more than that', async () => {
    const assertion = await signer.sign({ claims: { aud: 'elsewhere' } });
    const { status, body } = await post(running.url, { query: '{ whoami }' }, { [HEADER]: assertion });
    expect([status, body]).toEqual([
      401,
      {
        errors: [
          { message: 'This service answers only to its gateway.', extensions: { code: 'UNAUTHENTICATED' } },
        ],
      },
    ]);
  });

  it('refuses two assertion headers', async () => {
    const line = `${HEADER}: ${headers[HEADER]}\r\n`;
    const body = '{"query":"{ whoami }"}';
    const request = `POST /graphql HTTP/1.1\r\nhost: a\r\n${line}${line}content-type: application/json\r\n`;
    expect(await statusLineOf(`${request}content-length: ${body.length}\r\n\r\n${body}`)).toContain(' 401 ');
    expect(calls).toBe(0);
  });

  it('refuses GET', async () => {
    const response = await fetch(`${running.url}?query=%7Bwhoami%7D`, { headers });
    expect([response.status, response.headers.get('allow'), calls]).toEqual([405, 'POST', 0]);
  });

  it('refuses introspection', async () => {
    const { body } = await post(running.url, { query: '{ __schema { types { name } } }' }, headers);
    expect(body.errors?.[0]?.extensions?.['code']).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  it('refuses a batch', async () => {
    const { status } = await post(running.url, [{ query: '{ whoami }' }], headers);
    expect([status, calls]).toEqual([400, 0]);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-16'])(
    'refuses a body of type %s',
    async (type) => {
      const { status } = await post(
        running.url,
        { query: '{ whoami }' },
        { ...headers, 'content-type': type },
      );
      expect([status, calls]).toEqual([415, 0]);
    },
  );

  it('refuses an encoded body', async () => {
    const { status } = await post(running.url, {}, { ...headers, 'content-encoding': 'gzip' });
    expect(status).toBe(415);
  });

  it('refuses a body that is not JSON', async () => {
    const response = await fetch(running.url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{"query":',
    });
    expect(response.status).toBe(400);
  });

  it('takes a body of the largest size and refuses one byte more', async () => {
    const bytesMax = 4 * 1_024 * 1_024;
    const operation = (text: string) =>
      JSON.stringify({ query: 'query ($text: String!) { echo(text: $text) }', variables: { text } });
    const send = (bytes: number) =>
      fetch(running.url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: operation('a'.repeat(bytes - operation('').length)),
      });
    expect((await send(bytesMax)).status).toBe(200);
    expect((await send(bytesMax + 1)).status).toBe(413);
  });

  it('refuses a body that grows over the limit without saying so beforehand', async () => {
    const chunk = 'a'.repeat(1_024 * 1_024);
    const chunks = Array.from({ length: 5 }, () => `100000\r\n${chunk}\r\n`).join('');
    const head = `POST /graphql HTTP/1.1\r\nhost: a\r\n${HEADER}: ${headers[HEADER]}\r\ncontent-type: application/json\r\n`;
    expect(await statusLineOf(`${head}transfer-encoding: chunked\r\n\r\n${chunks}`)).toContain(' 413 ');
  });

  it('passes on the errors that resolvers mean for the caller', async () => {
    const { body } = await post(running.url, { query: '{ refused }' }, headers);
    expect(body.errors?.[0]).toMatchObject({ message: 'Not today.', extensions: { code: 'NOT_TODAY' } });
    expect(lines).toEqual([]);
  });

  it('masks any other error and logs its name and path without its text', async () => {
    const { body } = await post(running.url, { query: '{ leaky }' }, headers);
    expect(body.errors?.[0]).toMatchObject({
      message: 'Internal server error',
      extensions: { code: 'INTERNAL_SERVER_ERROR' },
    });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { level: 'error', subgraph: 'probe', error: 'TypeError', path: 'leaky' },
    ]);
  });

  it('refuses to start on a port in use', async () => {
    const port = Number(new URL(running.url).port);
    const second = startSubgraph({ name: 'second', typeDefs, resolvers, port, trust: { jwks: signer.jwks } });
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('takes no requests once it is closed', async () => {
    const brief = await startSubgraph({
      name: 'brief',
      typeDefs,
      resolvers,
      port: 0,
      trust: { jwks: signer.jwks },
    });
    expect((await post(brief.url, { query: '{ whoami }' }, headers)).status).toBe(200);
    await brief.close();
    await expect(fetch(brief.url, { method: 'POST' })).rejects.toThrow();
  });
});
