import { createClient } from 'graphql-sse';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { RunningSubgraph } from '../../../subgraphs/kit/subgraph-server.ts';
import { startOrders } from '../../../subgraphs/orders/orders-server.ts';
import { createSigner } from '../support.ts';

const HEADER = 'x-portcullis-assertion';
const ACME = { tenant: 'acme', sub: 'acme-ada', scope: 'orders:read orders:write' };
const GLOBEX = { tenant: 'globex', sub: 'globex-tony', scope: 'orders:read orders:write' };

let orders: RunningSubgraph;
let signer: Awaited<ReturnType<typeof createSigner>>;

beforeEach(async () => {
  signer = await createSigner();
  orders = await startOrders({ port: 0, trust: { jwks: signer.jwks } });
});

afterEach(() => orders.close());

/** Subscribes, and resolves when the subgraph has taken the subscription. */
async function watch(claims: Readonly<Record<string, unknown>>) {
  let connected: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const client = createClient({
    url: orders.url,
    headers: { [HEADER]: await signer.sign({ claims }) },
    retryAttempts: 0,
    on: { connected: () => connected() },
  });
  const events = client.iterate<{ orderPlaced: { id: string } }>({
    query: 'subscription { orderPlaced { id customer { id } total { amountMinor } } }',
  });
  const next = events.next();
  await Promise.race([ready, next]);
  return { next, events, leave: () => client.dispose() };
}

async function place(claims: Readonly<Record<string, unknown>>): Promise<void> {
  const response = await fetch(orders.url, {
    method: 'POST',
    headers: { [HEADER]: await signer.sign({ claims }), 'content-type': 'application/json' },
    body: JSON.stringify({
      query: 'mutation { placeOrder(input: { lines: [{ sku: "DV-001", quantity: 1 }] }) { id } }',
    }),
  });
  expect(await response.json()).not.toHaveProperty('errors');
}

it('tells subscribers over HTTP of the orders of their own tenant only', async () => {
  const acme = await watch(ACME);
  const globex = await watch(GLOBEX);
  for (const claims of [GLOBEX, ACME, GLOBEX]) await place(claims);
  const of = (customer: string) => ({ value: { data: { orderPlaced: { customer: { id: customer } } } } });
  expect(await acme.next).toMatchObject(of('acme-ada'));
  expect(await globex.next).toMatchObject(of('globex-tony'));
  expect(await globex.events.next()).toMatchObject(of('globex-tony'));
  acme.leave();
  globex.leave();
});

it('refuses a subscriber without a tenant, and then the stream ends', async () => {
  const { next, events } = await watch({ ...ACME, tenant: undefined });
  expect((await next).value).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
  expect((await events.next()).done).toBe(true);
});
