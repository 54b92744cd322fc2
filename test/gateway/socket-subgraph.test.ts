import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import { createClient } from 'graphql-sse';
import { useServer } from 'graphql-ws/use/ws';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { auditEvents, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { federated, startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

const SDL = federated(`
  type Query { any: Int }
  type Subscription { changed: Item @authenticated }
  type Item @key(fields: "id") { id: ID! at: Int }
`);
const NAMES = federated(`
  type Query { newest: String }
  type Item @key(fields: "id") { id: ID! name: String }
`);

let gateway: TestGateway;
let names: TinySubgraph;
let sockets: WebSocketServer;
const assertions: unknown[] = [];
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  const http = createServer();
  sockets = new WebSocketServer({ server: http, path: '/events' });
  async function* changed() {
    yield { changed: { id: '1', at: 1 } };
    yield { changed: { id: '2', at: 2 } };
    await new Promise(() => undefined);
  }
  const resolvers = { Subscription: { changed: { subscribe: changed } } };
  const disposable = useServer(
    {
      schema: buildSubgraphSchema([{ typeDefs: parse(SDL), resolvers: resolvers as never }]),
      onConnect: ({ extra }) => void assertions.push(extra.request.headers['x-portcullis-assertion']),
    },
    sockets,
  );
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  names = await startTinySubgraph('names', NAMES, {
    Item: {
      __resolveReference: ({ id }: { id: string }) => ({ id }),
      name: ({ id }: { id: string }) => `name of ${id}`,
    },
  });
  gateway = await startTestGateway([{ name: 'events', url: `${origin}/graphql`, sdl: SDL }, names], {
    subgraphs: { events: { subscriptions: { protocol: 'websocket', url: `${origin}/events` } } },
  });
  closing.push(
    () => new Promise((resolve) => http.close(resolve)),
    () => disposable.dispose(),
    () => names.close(),
    () => gateway.close(),
  );
});
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

describe('a subgraph that takes subscriptions over a WebSocket', () => {
  it('is told who asks, and its events are completed by the others', async () => {
    const token = await gateway.issuer.token();
    const client = createClient({ url: gateway.url, headers: { authorization: `Bearer ${token}` } });
    const events = client.iterate({ query: 'subscription Changes { changed { at name } }' });
    expect((await events.next()).value).toEqual({ data: { changed: { at: 1, name: 'name of 1' } } });
    expect((await events.next()).value).toEqual({ data: { changed: { at: 2, name: 'name of 2' } } });
    const [, payload = ''] = String(assertions[0]).split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      sub: 'ada',
      tenant: 'acme',
    });
    expect(assertions).toHaveLength(1);
    client.dispose();
    await vi.waitFor(() => expect(sockets.clients.size).toBe(0));
    await vi.waitFor(() =>
      expect(
        auditEvents(gateway.where)
          .filter(({ operation }) => operation?.name === 'Changes')
          .map(({ code, events: count }) => [code, count]),
      ).toEqual([
        [null, null],
        ['REQUEST_ABORTED', 2],
      ]),
    );
  });

  it('is not asked for a caller who may not have it', async () => {
    const before = assertions.length;
    const client = createClient({ url: gateway.url, retryAttempts: 0 });
    const events = client.iterate({ query: 'subscription { changed { at } }' });
    const first = await events.next().catch((fault: unknown) => fault);
    expect(JSON.stringify(first)).not.toContain('"at"');
    expect(assertions).toHaveLength(before);
    client.dispose();
  });
});
