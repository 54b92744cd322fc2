import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Actor, SYSTEM } from '../../src/control/actor.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import type { Subscription } from '../../src/control/tables.ts';
import { embeddedDatabase } from '../control/embedded-database.ts';
import { ask, auditOf, auditText, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

const SDL = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@tag"])
type Query { orders: [Order!] news: String @tag(name: "news") health: String hidden: String }
type Order { id: ID! total: Int }
`;
const ORDERS = '{ orders { id total } }';
const WITHIN = { timeout: 1000, interval: 10 };

let shop: TinySubgraph;
let gateway: TestGateway;
let control: ControlPlane;
let planId: string;
let productId: string;
let asked = 0;

beforeAll(async () => {
  shop = await startTinySubgraph('shop', SDL, {
    Query: {
      orders: () => {
        asked += 1;
        return [{ id: '1', total: 3 }];
      },
      news: () => 'none',
      health: () => 'well',
      hidden: () => 'seen',
    },
  });
  gateway = await startTestGateway([shop], {
    subgraphs: { shop: { identity: 'none' } },
    state: { database: embeddedDatabase(), pollMs: 100 },
    approvals: { enforce: true, open: { coordinates: ['Query.health'] } },
  });
  if (gateway.control === null) throw new Error('no control plane');
  control = gateway.control;
  const draft = await control.products.create(SYSTEM, {
    ...{ name: 'Orders', coordinates: ['Query.orders', 'Order'], tags: ['news'] },
    ...{ visibility: 'public', approval: 'single' },
  });
  productId = draft.id;
  await control.products.step(SYSTEM, { id: productId, step: 'publish' });
  const plan = await control.products.createPlan(SYSTEM, {
    productId,
    name: 'Plan',
    limits: {},
    termDays: null,
  });
  planId = (await control.products.publishPlan(SYSTEM, { id: plan.id })).id;
});

afterAll(async () => {
  await gateway?.close();
  await shop?.close();
});

interface Customer {
  readonly tenantId: string;
  readonly applicationId: string;
  ask(text: string): ReturnType<typeof ask>;
  submit(): Promise<Subscription>;
}

let customers = 0;

/** A new tenant whose application tokens call "shop". */
async function customer(): Promise<Customer> {
  customers += 1;
  const slug = `customer-${customers}`;
  const { id: tenantId } = await control.tenants.create(SYSTEM, { slug, name: slug });
  const { id: applicationId } = await control.applications.create(SYSTEM, {
    ...{ tenantId, name: 'Shop', environment: 'production' },
  });
  await control.credentials.registerOauthClient(SYSTEM, { applicationId, clientId: 'shop' });
  const token = await gateway.issuer.token({ tenant: slug });
  return {
    ...{ tenantId, applicationId },
    ask: (text) => ask(gateway.url, text, { token }),
    submit: () => control.requests.submit(SYSTEM, { applicationId, planId, reason: 'To sell.' }),
  };
}

const approver = (): Actor => ({ ...SYSTEM, subject: 'ada', amr: ['mfa'], authTime: Date.now() / 1000 });
const approve = ({ id, requestVersion }: Subscription) =>
  control.requests.decide(approver(), { id, requestVersion, decision: 'approve', comment: '' });
const because = (id: string) => ({ id, reason: 'Because.' });
const codesOf = async (by: Customer, text = ORDERS) =>
  ((await by.ask(text)).body.errors ?? []).map(({ extensions }) => extensions['code']);

async function approved(): Promise<{ readonly by: Customer; readonly row: Subscription }> {
  const by = await customer();
  const row = await approve(await by.submit());
  await vi.waitFor(async () => expect(await codesOf(by)).toEqual([]), WITHIN);
  return { by, row };
}

describe('a call', () => {
  let before: number;
  beforeEach(() => {
    before = asked;
  });

  it('is refused before anybody asked for access, names the product, and reaches no subgraph', async () => {
    const by = await customer();
    const answer = await by.ask(ORDERS);
    expect(answer.status).toBe(200);
    expect(answer.body.data).toBeNull();
    expect(answer.body.errors?.[0]).toMatchObject({
      path: ['orders'],
      extensions: { code: 'SUBSCRIPTION_REQUIRED', products: [{ id: productId, name: 'Orders' }] },
    });
    expect(asked).toBe(before);
    const event = await auditOf(gateway.where, answer.requestId);
    expect(event.decision.reasons[0]).toMatchObject({ rule: 'subscription', coordinate: 'Query.orders' });
  });

  it('is refused while the request waits, and runs within a second of its approval', async () => {
    const by = await customer();
    const request = await by.submit();
    expect(await codesOf(by)).toEqual(['SUBSCRIPTION_REQUIRED']);
    await approve(request);
    await vi.waitFor(async () => expect(await codesOf(by)).toEqual([]), WITHIN);
    expect((await by.ask(ORDERS)).body.data).toEqual({ orders: [{ id: '1', total: 3 }] });
    expect((await by.ask('{ news }')).body.data).toEqual({ news: 'none' });
  });

  it('is refused within a second of suspension and revocation, and runs again after resumption', async () => {
    const { by, row } = await approved();
    await control.subscriptions.suspend(SYSTEM, because(row.id));
    await vi.waitFor(async () => expect(await codesOf(by)).toEqual(['SUBSCRIPTION_REQUIRED']), WITHIN);
    await control.subscriptions.resume(SYSTEM, because(row.id));
    await vi.waitFor(async () => expect(await codesOf(by)).toEqual([]), WITHIN);
    await control.subscriptions.revoke(SYSTEM, because(row.id));
    await vi.waitFor(async () => expect(await codesOf(by)).toEqual(['SUBSCRIPTION_REQUIRED']), WITHIN);
  });

  it('of another tenant’s application of the same name is not let in by it', async () => {
    await approved();
    expect(await codesOf(await customer())).toEqual(['SUBSCRIPTION_REQUIRED']);
  });

  it('of a suspended tenant is refused whole, what is open to everybody included', async () => {
    const { by } = await approved();
    await control.tenants.suspend(SYSTEM, by.tenantId, { reason: 'Unpaid.' });
    await vi.waitFor(async () => expect(await codesOf(by)).toEqual(['ACCESS_SUSPENDED']), WITHIN);
    const answer = await by.ask('{ health }');
    expect([answer.status, answer.body.data]).toEqual([403, undefined]);
    await control.tenants.resume(SYSTEM, by.tenantId, { reason: 'Paid.' });
    await vi.waitFor(async () => expect(await codesOf(by)).toEqual([]), WITHIN);
  });

  it('of a suspended application is refused', async () => {
    const { by } = await approved();
    await control.applications.step(SYSTEM, { ...because(by.applicationId), step: 'suspend' });
    await vi.waitFor(async () => expect(await codesOf(by)).toEqual(['ACCESS_SUSPENDED']), WITHIN);
  });

  it('to what is open needs no subscription, nor a credential', async () => {
    expect((await ask(gateway.url, '{ health __typename }')).body).toEqual({
      data: { health: 'well', __typename: 'Query' },
    });
    const anonymous = await ask(gateway.url, ORDERS);
    expect(anonymous.body.errors?.[0]?.extensions['code']).toBe('SUBSCRIPTION_REQUIRED');
  });

  it.each([
    ['an alias', '{ mine: orders { id } }'],
    ['a fragment', 'query { ...F } fragment F on Query { orders { id } }'],
    ['an operation beside it', 'query A { orders { id } } query B { health }', 'A'],
  ])('is not let in by %s', async (_, text, operationName = '') => {
    const by = await customer();
    const answer =
      operationName === '' ? await by.ask(text) : await ask(gateway.url, text, { operationName } as never);
    expect(answer.body.errors?.map(({ extensions }) => extensions['code'])).toEqual([
      'SUBSCRIPTION_REQUIRED',
    ]);
    expect(asked).toBe(before);
  });
});

describe('an API key', () => {
  const withKey = async (headers: Record<string, string>) => {
    const answer = await fetch(gateway.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
        ...headers,
      },
      body: JSON.stringify({ query: ORDERS }),
    });
    return { status: answer.status, text: await answer.text() };
  };
  const statusOf = async (headers: Record<string, string>) => (await withKey(headers)).status;

  it('reaches what its application has subscribed to, in either header, until it is revoked', async () => {
    const { by } = await approved();
    const { applicationId } = by;
    const { secret, credential } = await control.credentials.createApiKey(SYSTEM, {
      applicationId,
      scopes: [],
    });
    const inHeader = { 'x-api-key': secret ?? '' };
    await vi.waitFor(async () => expect(await statusOf(inHeader)).toBe(200), WITHIN);
    expect((await withKey(inHeader)).text).toBe('{"data":{"orders":[{"id":"1","total":3}]}}');
    expect((await withKey({ authorization: `ApiKey ${secret}` })).text).toContain('"total":3');
    expect(await statusOf({ ...inHeader, authorization: `ApiKey ${secret}` })).toBe(401);
    expect(await statusOf({ 'x-api-key': `${secret?.slice(0, -1)}!` })).toBe(401);
    const last = secret?.at(-1) === 'A' ? 'E' : 'A';
    expect(await statusOf({ 'x-api-key': `${secret?.slice(0, -1)}${last}` })).toBe(401);
    await vi.waitFor(() => expect(auditText(gateway.where).includes(credential.id)).toBe(true), WITHIN);
    expect(auditText(gateway.where).includes(secret ?? '')).toBe(false);
    await control.credentials.revoke(SYSTEM, because(credential.id));
    await vi.waitFor(async () => expect(await statusOf(inHeader)).toBe(401), WITHIN);
  });

  it('that was rotated counts beside its successor while it has its time of grace', async () => {
    const { by } = await approved();
    const { applicationId } = by;
    const old = await control.credentials.createApiKey(SYSTEM, { applicationId, scopes: [] });
    const next = await control.credentials.rotate(SYSTEM, { id: old.credential.id, graceSeconds: 4 });
    await vi.waitFor(
      async () => expect(await statusOf({ 'x-api-key': next.secret ?? '' })).toBe(200),
      WITHIN,
    );
    expect(await statusOf({ 'x-api-key': old.secret ?? '' })).toBe(200);
    await vi.waitFor(async () => expect(await statusOf({ 'x-api-key': old.secret ?? '' })).toBe(401), {
      timeout: 4000,
    });
    expect(await statusOf({ 'x-api-key': next.secret ?? '' })).toBe(200);
  });

  it('of a suspended tenant or application is none', async () => {
    const { by } = await approved();
    const { secret } = await control.credentials.createApiKey(SYSTEM, {
      applicationId: by.applicationId,
      scopes: [],
    });
    const headers = { 'x-api-key': secret ?? '' };
    await vi.waitFor(async () => expect(await statusOf(headers)).toBe(200), WITHIN);
    await control.tenants.suspend(SYSTEM, by.tenantId, { reason: 'Unpaid.' });
    await vi.waitFor(async () => expect(await statusOf(headers)).toBe(401), WITHIN);
    await control.tenants.resume(SYSTEM, by.tenantId, { reason: 'Paid.' });
    await vi.waitFor(async () => expect(await statusOf(headers)).toBe(200), WITHIN);
    await control.applications.step(SYSTEM, { ...because(by.applicationId), step: 'suspend' });
    await vi.waitFor(async () => expect(await statusOf(headers)).toBe(401), WITHIN);
  });
});

describe('a private product', () => {
  it('is answered to who does not have it as what does not exist, and runs for who does', async () => {
    const draft = await control.products.create(SYSTEM, {
      ...{ name: 'Secret', coordinates: ['Query.hidden'], tags: [], visibility: 'private', approval: 'auto' },
    });
    await control.products.step(SYSTEM, { id: draft.id, step: 'publish' });
    const plan = await control.products.createPlan(SYSTEM, {
      productId: draft.id,
      name: 'P',
      limits: {},
      termDays: null,
    });
    await control.products.publishPlan(SYSTEM, { id: plan.id });
    const { by } = await approved();
    const other = await approved();
    const normal = (answer: Awaited<ReturnType<typeof ask>>) =>
      answer.text.replaceAll(answer.requestId, '').replaceAll(/hidden|absent/gu, 'field');
    const asking = [
      '{ NAME }',
      '{ orders { id } NAME }',
      'query ($on: Boolean = false) { NAME @include(if: $on) }',
      '{ orders { id } ...F } fragment F on Query { x: NAME }',
      '{ NAME { id } }',
    ];
    await vi.waitFor(
      async () => expect(await codesOf(by, '{ hidden }')).toEqual(['GRAPHQL_VALIDATION_FAILED']),
      WITHIN,
    );
    for (const text of asking) {
      const [hidden, absent] = [
        await by.ask(text.replace('NAME', 'hidden')),
        await by.ask(text.replace('NAME', 'absent')),
      ];
      expect([hidden.status, normal(hidden)]).toEqual([absent.status, normal(absent)]);
      expect(normal(hidden)).toContain('GRAPHQL_VALIDATION_FAILED');
    }
    const fields = '{ __schema { queryType { fields { name } } } }';
    expect((await by.ask(fields)).text).not.toContain('hidden');
    const anonymous = await ask(gateway.url, fields);
    expect(anonymous.text).not.toContain('hidden');
    expect(anonymous.text).toContain('orders');

    const request = { applicationId: other.by.applicationId, planId: plan.id, reason: 'Invited.' };
    await control.requests.submit(SYSTEM, request);
    await vi.waitFor(
      async () => expect((await other.by.ask('{ hidden }')).body.data).toEqual({ hidden: 'seen' }),
      WITHIN,
    );
    expect((await other.by.ask(fields)).text).toContain('hidden');
    expect(await codesOf(by, '{ hidden }')).toEqual(['GRAPHQL_VALIDATION_FAILED']);
  });
});

it('a gateway whose control plane is embedded is ready only with its entitlements', async () => {
  const answer = await fetch(new URL('/health/ready', gateway.url));
  expect(await answer.json()).toMatchObject({ checks: { entitlements: true } });
});
