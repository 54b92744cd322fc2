import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { embeddedDatabase } from '../control/embedded-database.ts';
import { ask, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

let shop: TinySubgraph;
let gateway: TestGateway;

beforeAll(async () => {
  shop = await startTinySubgraph('shop', 'type Query { orders: String }', { Query: {} });
  gateway = await startTestGateway([shop], {
    subgraphs: { shop: { identity: 'none' } },
    state: { database: embeddedDatabase() },
    admin: { enabled: true, provider: 'storefront' },
    approvals: { enforce: true },
  });
});

afterAll(async () => {
  await gateway?.close();
  await shop?.close();
});

const staffOf = (tenant: string | undefined) =>
  gateway.issuer.token({ sub: 'root', tenant, scope: 'portcullis:admin' });

async function change(token: string, text: string) {
  const { body } = await ask(
    gateway.url,
    `mutation { change: ${text} { tenant { id status } errors { code } } }`,
    {
      token,
    },
  );
  const payload = body.data?.['change'] as
    | { tenant: { id: string; status: string } | null; errors: { code: string }[] }
    | null
    | undefined;
  return { id: payload?.tenant?.id, codes: [...(body.errors ?? []), ...(payload?.errors ?? [])] };
}

const create = (slug: string) => `controlCreateTenant(input: { slug: "${slug}", name: "T", owner: "o" })`;
const suspend = (id: string) =>
  `controlSuspendTenant(input: { tenantId: "${id}", reason: "Part of a test." })`;

describe('a tenant whose people run the platform', () => {
  it('is where staff come from, and nowhere else', async () => {
    expect((await change(await staffOf(undefined), create('one'))).id).toBeUndefined();
    expect((await change(await staffOf('acme'), create('two'))).id).toBeUndefined();
    expect((await change(await staffOf('storefront'), create('three'))).id).toMatch(/^ten_/);
  });

  it('is not suspended by them, which nobody could undo, and others are', async () => {
    const staff = await staffOf('storefront');
    const { id: own = '' } = await change(staff, create('storefront'));
    expect(await change(staff, suspend(own))).toMatchObject({ codes: [{ code: 'CONFLICT' }] });
    const { id: other = '' } = await change(staff, create('other'));
    expect(await change(staff, suspend(other))).toEqual({ id: other, codes: [] });
    expect((await change(staff, create('after'))).codes).toEqual([]);
  });
});
