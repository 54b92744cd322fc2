import { GraphQLError, parse } from 'graphql';
import { createClient } from 'graphql-sse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type RunningSubgraph,
  type SubgraphContext,
  startSubgraph,
} from '../../../subgraphs/kit/subgraph-server.ts';
import { createSigner } from '../support.ts';

const HEADER = 'x-portcullis-assertion';
const typeDefs = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Query { idle: Int }
  type Subscription { ticks: Tick forever: Tick }
  type Tick { whose: String! turn: Int! refused: String leaky: String }
`);
type Loaders = { readonly turn: number };
type Context = SubgraphContext<Loaders>;

let turns = 0;
let leave: () => void = () => undefined;
const left = new Promise<void>((resolve) => {
  leave = resolve;
});
const lines: string[] = [];
let running: RunningSubgraph;
let signer: Awaited<ReturnType<typeof createSigner>>;

const resolvers = {
  Subscription: {
    ticks: {
      async *subscribe() {
        yield { ticks: {} };
        yield { ticks: {} };
      },
    },
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

beforeAll(async () => {
  signer = await createSigner();
  running = await startSubgraph({
    name: 'probe',
    typeDefs,
    resolvers,
    port: 0,
    trust: { jwks: signer.jwks },
    createLoaders: (): Loaders => {
      turns += 1;
      return { turn: turns };
    },
    log: (line) => lines.push(line),
  });
});

afterAll(() => running.close());

async function events(query: string, headers: Record<string, string>): Promise<unknown[]> {
  const client = createClient({ url: running.url, headers, retryAttempts: 0 });
  const received: unknown[] = [];
  for await (const event of client.iterate({ query })) received.push(event);
  client.dispose();
  return received;
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
    const response = await fetch(running.url, {
      method: 'POST',
      headers: {
        [HEADER]: await signer.sign(),
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
      body: JSON.stringify({ query: 'subscription { forever { turn } }' }),
      signal: reading.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    await response.body?.getReader().read();
    reading.abort();
    await left;
  });
});
