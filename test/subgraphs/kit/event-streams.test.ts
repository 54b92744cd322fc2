import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSchema, GraphQLError, parse } from 'graphql';
import { createClient } from 'graphql-sse';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serveEvents } from '../../../subgraphs/kit/event-streams.ts';
import type { RunningSubgraph, SubgraphContext } from '../../../subgraphs/kit/subgraph-server.ts';
import { createSigner, startProbe, type TurnLoaders } from '../support.ts';

const HEADER = 'x-portcullis-assertion';
const typeDefs = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Query { idle: Int }
  type Subscription { ticks: Tick forever: Tick silent: Tick }
  type Tick { whose: String! turn: Int! refused: String leaky: String }
`);
type Context = SubgraphContext<TurnLoaders>;

let leave: () => void = () => undefined;
const left = new Promise<void>((resolve) => {
  leave = resolve;
});
const lines: string[] = [];
let silence: Silence;
let running: RunningSubgraph;
let signer: Awaited<ReturnType<typeof createSigner>>;

/** A source without events, which knows whether it was left. */
class Silence implements AsyncIterableIterator<unknown> {
  readonly left: Promise<void>;
  readonly #waiting: Promise<IteratorResult<unknown>>;
  #leave: () => void = () => undefined;

  constructor() {
    this.left = new Promise((resolve) => {
      this.#leave = resolve;
    });
    this.#waiting = this.left.then(() => ({ value: undefined, done: true }));
  }

  next(): Promise<IteratorResult<unknown>> {
    return this.#waiting;
  }

  return(): Promise<IteratorResult<unknown>> {
    this.#leave();
    return this.#waiting;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const resolvers = {
  Subscription: {
    ticks: {
      async *subscribe() {
        yield { ticks: {} };
        yield { ticks: {} };
      },
    },
    silent: { subscribe: () => silence },
    forever: {
      async *subscribe() {
        try {
          yield { forever: {} };
          for (;;) yield { forever: {} };
        } finally {
          leave();
        }
      },
    },
  },
  Tick: {
    whose: (_: unknown, __: unknown, { principal }: Context) => `${principal.tenant}/${principal.subject}`,
    turn: (_: unknown, __: unknown, { loaders }: Context) => loaders.turn,
    refused: () => {
      throw new GraphQLError('Not today.', { extensions: { code: 'NOT_TODAY' } });
    },
    leaky: () => {
      throw new TypeError('password=hunter2');
    },
  },
};

function start(): Promise<RunningSubgraph> {
  return startProbe({ typeDefs, resolvers, trust: { jwks: signer.jwks } }, lines);
}

beforeAll(async () => {
  signer = await createSigner();
  running = await start();
});

beforeEach(() => {
  silence = new Silence();
});

afterAll(() => running.close());

async function events(query: string, headers: Record<string, string>): Promise<unknown[]> {
  const client = createClient({ url: running.url, headers, retryAttempts: 0 });
  const received: unknown[] = [];
  for await (const event of client.iterate({ query })) received.push(event);
  client.dispose();
  return received;
}

async function open(
  url: string,
  { body, signal = null }: { body: unknown; signal?: AbortSignal | null },
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      [HEADER]: await signer.sign(),
      'content-type': 'application/json',
      accept: 'text/event-stream',
    },
    body: JSON.stringify(body),
    signal,
  });
}

describe('subscriptions of a subgraph', () => {
  it('are served event by event to the one who asked, with loaders that forget between events', async () => {
    const received = await events('subscription { ticks { whose turn } }', { [HEADER]: await signer.sign() });
    const turnOf = (event: unknown) => (event as { data: { ticks: { turn: number } } }).data.ticks.turn;
    expect(received).toHaveLength(2);
    expect(turnOf(received[1])).toBe(turnOf(received[0]) + 1);
  });

  it('tell what is meant for the caller and mask any other fault', async () => {
    const [event] = await events('subscription { ticks { refused leaky } }', {
      [HEADER]: await signer.sign(),
    });
    expect(JSON.stringify(event)).not.toContain('hunter2');
    expect(event).toMatchObject({
      errors: [
        { message: 'Not today.', extensions: { code: 'NOT_TODAY' } },
        { extensions: { code: 'INTERNAL_SERVER_ERROR' } },
      ],
    });
    expect(lines.join()).not.toContain('hunter2');
  });

  it('refuse who has no assertion', async () => {
    await expect(events('subscription { ticks { turn } }', {})).rejects.toBeDefined();
  });

  it('end their source when the reader leaves', async () => {
    const reading = new AbortController();
    const response = await open(running.url, {
      body: { query: 'subscription { forever { turn } }' },
      signal: reading.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    await response.body?.getReader().read();
    reading.abort();
    await left;
  });

  it('end a source that is silent when the reader leaves', async () => {
    const reading = new AbortController();
    const response = await open(running.url, {
      body: { query: 'subscription { silent { turn } }' },
      signal: reading.signal,
    });
    expect(response.status).toBe(200);
    reading.abort();
    await silence.left;
  });

  it('break off, and are not told to be complete, when the subgraph closes', async () => {
    // Less than `close` waits for requests that run: streams are not waited for.
    const closing = await start();
    const response = await open(closing.url, { body: { query: 'subscription { silent { turn } }' } });
    const text = expect(response.text()).rejects.toThrow('terminated');
    await closing.close();
    await text;
    await silence.left;
  });

  it('tell the fault of an operation that the schema does not allow, and no name of the schema', async () => {
    const response = await open(running.url, { body: { query: 'subscription { tick { turn } }' } });
    const text = await response.text();
    expect(text).toContain('event: next');
    expect(text).toContain('Cannot query field');
    expect(text).not.toContain('ticks');
    expect(text).toContain('event: complete');
  });

  it.each([
    ['a query', { query: '{ idle }' }, 'BAD_REQUEST'],
    ['no operation', {}, 'BAD_REQUEST'],
    ['a syntax error', { query: 'subscription {' }, 'GRAPHQL_PARSE_FAILED'],
    ['a list of variables', { query: 'subscription { silent { turn } }', variables: [] }, 'BAD_REQUEST'],
    [
      'variables that are text',
      { query: 'subscription { silent { turn } }', variables: '{}' },
      'BAD_REQUEST',
    ],
    [
      'an operation name that is not there',
      { query: 'subscription A { ticks { turn } }', operationName: 'B' },
      'BAD_REQUEST',
    ],
  ])('refuse %s', async (_, body, code) => {
    const response = await open(running.url, { body });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code } }] });
  });
});

describe('a stream without events', () => {
  it('gives signs of life', async () => {
    const schema = buildSchema('type Query { a: Int } type Subscription { silent: Int }');
    const field = schema.getSubscriptionType()?.getFields()['silent'];
    if (field === undefined) throw new Error('no such field');
    field.subscribe = () => silence;
    const server = createServer((_, response) => {
      void serveEvents(
        { body: { query: 'subscription { silent }' }, context: {}, renew: () => undefined },
        response,
        {
          schema,
          mask: (error) => error.toJSON(),
          closing: new AbortController().signal,
          heartbeatMs: 1,
        },
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const reading = new AbortController();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const reader = (await fetch(url, { signal: reading.signal })).body?.getReader();
    for (let count = 0; count < 2; count += 1) {
      const { value } = (await reader?.read()) ?? {};
      expect(new TextDecoder().decode(value)).toMatch(/^(?::\n\n)+$/u);
    }
    reading.abort();
    await silence.left;
    await new Promise((resolve) => server.close(resolve));
  });
});
