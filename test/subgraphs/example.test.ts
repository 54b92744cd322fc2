import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAccounts } from '../../subgraphs/accounts/accounts-server.ts';
import { startCatalog } from '../../subgraphs/catalog/catalog-server.ts';
import type { RunningSubgraph } from '../../subgraphs/kit/subgraph-server.ts';
import { startOrders } from '../../subgraphs/orders/orders-server.ts';
import { createSigner, ENTITIES, post } from './support.ts';

let signer: Awaited<ReturnType<typeof createSigner>>;
let subgraphs: Map<string, RunningSubgraph>;

beforeAll(async () => {
  signer = await createSigner();
  const placement = { port: 0, trust: { jwks: signer.jwks } };
  subgraphs = new Map([
    ['accounts', await startAccounts(placement)],
    ['catalog', await startCatalog(placement)],
    ['orders', await startOrders(placement)],
  ]);
});

afterAll(() => Promise.all([...subgraphs.values()].map((subgraph) => subgraph.close())));

async function ask(name: string, operation: unknown, claims?: Readonly<Record<string, unknown>>) {
  const headers = claims === undefined ? {} : { 'x-portcullis-assertion': await signer.sign({ claims }) };
  return post(subgraphs.get(name)?.url ?? '', operation, headers);
}

describe('the example subgraphs over HTTP', () => {
  it.each(['accounts', 'catalog', 'orders'])('refuse in %s a request without an assertion', async (name) => {
    const { status, body } = await ask(name, { query: '{ __typename }' });
    expect([status, body.errors?.[0]?.extensions?.['code']]).toEqual([401, 'UNAUTHENTICATED']);
  });

  it.each(['accounts', 'catalog', 'orders'])(
    'keep the schema of %s from a caller without an assertion',
    async (name) => {
      const { status, body } = await ask(name, { query: '{ _service { sdl } }' });
      expect([status, body.data]).toEqual([401, undefined]);
    },
  );

  it('answer from the tenant of the assertion', async () => {
    const query = '{ me { id organization { id } } }';
    const { body } = await ask('accounts', { query }, { sub: 'globex-tony', tenant: 'globex' });
    expect(body).toEqual({ data: { me: { id: 'globex-tony', organization: { id: 'globex' } } } });
  });

  it('resolve through _entities a field that requires others', async () => {
    const product = { sku: 'BK-001', weightGrams: 532, price: { amountMinor: 4_990, currency: 'EUR' } };
    const { body } = await ask(
      'orders',
      {
        query: `${ENTITIES} { ... on Book { shippingEstimate { amountMinor currency } } } }`,
        variables: { representations: [{ __typename: 'Book', ...product }] },
      },
      {},
    );
    expect(body).toEqual({
      data: { _entities: [{ shippingEstimate: { amountMinor: 510, currency: 'EUR' } }] },
    });
  });

  it('refuse a change to a caller whose assertion lacks the scope', async () => {
    const query = 'mutation { placeOrder(input: { lines: [{ sku: "DV-001", quantity: 1 }] }) { id } }';
    const refused = await ask('orders', { query }, { scope: 'orders:read' });
    expect(refused.body.errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN');
    const { body } = await ask('orders', { query }, { scope: 'orders:write' });
    expect(body).toEqual({ data: { placeOrder: { id: 'acme-1013' } } });
  });
});
