import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { coordinateRecords } from '../../src/audit/coordinate-records.ts';
import { embeddedDatabase } from '../control/embedded-database.ts';
import { type Answer, ask, auditOf, auditText, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

const WITHIN = { timeout: 1000, interval: 10 };
const STAFF = { tenant: undefined, client_id: undefined };

let shop: TinySubgraph;
let gateway: TestGateway;
/** Staff of the platform: an administrator, and two who approve. */
let root: string;
let ada: string;
let grace: string;

beforeAll(async () => {
  shop = await startTinySubgraph('shop', 'type Query { orders: String }', {
    Query: { orders: () => 'many' },
  });
  gateway = await startTestGateway([shop], {
    subgraphs: { shop: { identity: 'none' } },
    state: { database: embeddedDatabase(), pollMs: 100 },
    admin: { enabled: true },
    approvals: { enforce: true },
  });
  const decider = { ...STAFF, scope: 'portcullis:approve', amr: ['pwd', 'mfa'], auth_time: now() };
  root = await gateway.issuer.token({ ...STAFF, sub: 'root', scope: 'portcullis:admin' });
  ada = await gateway.issuer.token({ ...decider, sub: 'ada' });
  grace = await gateway.issuer.token({ ...decider, sub: 'grace' });
});

afterAll(async () => {
  await gateway?.close();
  await shop?.close();
});

function now(): number {
  return Math.floor(Date.now() / 1000);
}

const run = (token: string, text: string): Promise<Answer & { body: { data?: unknown } }> =>
  ask(gateway.url, text, { token });

/** What one mutation made; fails where it made nothing. */
async function made<T>(token: string, field: string, input: string, selection: string): Promise<T> {
  const answer = await run(
    token,
    `mutation { ${field}(input: ${input}) { ${selection} errors { code message field } } }`,
  );
  const payload = (answer.body.data as Record<string, Record<string, unknown>> | null | undefined)?.[field];
  expect([answer.body.errors, payload?.['errors']]).toEqual([undefined, []]);
  return payload as T;
}

async function refused(token: string, field: string, input: string): Promise<readonly string[]> {
  const answer = await run(token, `mutation { ${field}(input: ${input}) { errors { code } } }`);
  const payload = (answer.body.data as Record<string, { errors: { code: string }[] } | null> | null)?.[field];
  return [
    ...(answer.body.errors ?? []).map(({ extensions }) => String(extensions['code'])),
    ...(payload?.errors ?? []).map(({ code }) => code),
  ];
}

let customers = 0;

/** A tenant with a developer, an application that tokens name, and a product with a plan. */
async function customer(approval: 'SINGLE' | 'DUAL' | 'AUTO' = 'SINGLE') {
  customers += 1;
  const slug = `customer-${customers}`;
  const { tenant } = await made<{ tenant: { id: string } }>(
    root,
    'controlCreateTenant',
    `{ slug: "${slug}", name: "Customer", owner: "owner-${customers}" }`,
    'tenant { id slug status }',
  );
  const who = (sub: string) =>
    gateway.issuer.token({ sub, tenant: slug, client_id: 'shop', scope: 'portcullis:develop orders:read' });
  await made(
    root,
    'controlSetMember',
    `{ tenantId: "${tenant.id}", subject: "dev", role: DEVELOPER }`,
    'member { role }',
  );
  const dev = await who('dev');
  const { application } = await made<{ application: { id: string } }>(
    dev,
    'controlCreateApplication',
    '{ name: "Shop", environment: PRODUCTION }',
    'application { id owner environment }',
  );
  await made(
    dev,
    'controlRegisterOauthClient',
    `{ applicationId: "${application.id}", clientId: "shop" }`,
    'credential { kind }',
  );
  const { product } = await made<{ product: { id: string } }>(
    root,
    'controlCreateProduct',
    `{ name: "Orders ${customers}", coordinates: ["Query.orders"], visibility: PUBLIC, approval: ${approval} }`,
    'product { id version status }',
  );
  await made(root, 'controlPublishProduct', `{ productId: "${product.id}" }`, 'product { status }');
  const { plan } = await made<{ plan: { id: string } }>(
    root,
    'controlCreatePlan',
    `{ productId: "${product.id}", name: "Basic", rate: { pointsPerSecond: 10, burst: 20 } }`,
    'plan { id rate { burst } }',
  );
  await made(root, 'controlPublishPlan', `{ planId: "${plan.id}" }`, 'plan { status }');
  return { slug, tenant, application, product, plan, dev, stranger: await who('stranger') };
}

type Customer = Awaited<ReturnType<typeof customer>>;
interface Row {
  readonly id: string;
  readonly version: number;
  readonly requestVersion: number;
  readonly state: string;
}
const ROW = 'subscription { id version requestVersion state }';

const request = async ({ application, plan, dev }: Customer): Promise<Row> => {
  const input = `{ applicationId: "${application.id}", planId: "${plan.id}", reason: "To sell." }`;
  return (await made<{ subscription: Row }>(dev, 'controlRequestAccess', input, ROW)).subscription;
};
const decision = ({ id, requestVersion }: Row) =>
  `{ subscriptionId: "${id}", requestVersion: ${requestVersion} }`;
const approve = async (row: Row, by: string): Promise<Row> =>
  (await made<{ subscription: Row }>(by, 'controlApproveRequest', decision(row), ROW)).subscription;
const stepOf = ({ id, version }: Row) =>
  `{ subscriptionId: "${id}", expectedVersion: ${version}, reason: "Because." }`;
const reaches = async ({ dev }: Customer) => (await run(dev, '{ orders }')).body.data;

describe('administration through the graph', () => {
  it('takes a tenant from nothing to an approved call, its suspension and its resumption', async () => {
    const by = await customer();
    expect(await reaches(by)).toBeNull();
    const active = await approve(await request(by), ada);
    expect(active.state).toBe('ACTIVE');
    await vi.waitFor(async () => expect(await reaches(by)).toEqual({ orders: 'many' }), WITHIN);
    const { subscription: suspended } = await made<{ subscription: Row }>(
      root,
      'controlSuspendSubscription',
      stepOf(active),
      ROW,
    );
    await vi.waitFor(async () => expect(await reaches(by)).toBeNull(), WITHIN);
    await made(root, 'controlResumeSubscription', stepOf(suspended), ROW);
    await vi.waitFor(async () => expect(await reaches(by)).toEqual({ orders: 'many' }), WITHIN);
  });

  it('lets two different people decide where the product says so', async () => {
    const by = await customer('DUAL');
    const half = await approve(await request(by), ada);
    expect(half.state).toBe('PARTIALLY_APPROVED');
    expect(await refused(ada, 'controlApproveRequest', decision(half))).toEqual(['CONFLICT']);
    expect((await approve(half, grace)).state).toBe('ACTIVE');
  });

  it('shows a subscription with all that belongs to it, to staff and to its own developer alike', async () => {
    const by = await customer();
    const { id } = await approve(await request(by), ada);
    const fields = `nodes { id state requestedBy application { name } product { name plans { name } } plan { name rate { burst } } history { action subject state at } } pageInfo { hasNextPage endCursor }`;
    const staff = await run(root, `{ admin { subscriptions(tenantId: "${by.tenant.id}") { ${fields} } } }`);
    const own = await run(by.dev, `{ portal { mySubscriptions { ${fields} } } }`);
    expect([staff.body.errors, own.body.errors]).toEqual([undefined, undefined]);
    const { admin } = staff.body.data as { admin: { subscriptions: { nodes: Record<string, unknown>[] } } };
    const { portal } = own.body.data as { portal: { mySubscriptions: unknown } };
    expect(admin.subscriptions).toEqual(portal.mySubscriptions);
    expect(admin.subscriptions.nodes).toHaveLength(1);
    expect(admin.subscriptions.nodes[0]).toMatchObject({
      ...{ id, state: 'ACTIVE', requestedBy: 'dev', application: { name: 'Shop' } },
      history: [
        { action: 'subscription.submit', subject: 'dev', state: 'PENDING' },
        { action: 'subscription.approve', subject: 'ada', state: 'ACTIVE' },
      ],
    });
  });

  it('shows a key once', async () => {
    const by = await customer();
    const input = `{ applicationId: "${by.application.id}", scopes: ["orders:read"], idempotencyKey: "key-0001" }`;
    const selection = 'credential { id prefix last4 scopes } secret';
    const first = await made<{ secret: string; credential: { id: string } }>(
      by.dev,
      'controlCreateApiKey',
      input,
      selection,
    );
    const again = await made<{ secret: null; credential: { id: string } }>(
      by.dev,
      'controlCreateApiKey',
      input,
      selection,
    );
    expect(first.secret).toMatch(/^pk_/u);
    expect([again.secret, again.credential.id]).toEqual([null, first.credential.id]);
    const listed = await run(
      by.dev,
      `{ portal { myCredentials(applicationId: "${by.application.id}") { nodes { id prefix last4 } } } }`,
    );
    expect(listed.text).not.toContain(first.secret);
  });

  it('leaves what it changed in the audit, before and after, with the field that did, and no secret', async () => {
    const by = await customer();
    const id = by.application.id;
    const answer = await run(
      root,
      `mutation {
        a: controlCreateApiKey(input: { applicationId: "${id}", scopes: ["orders:read"] }) { secret }
        b: controlSuspendApplication(input: { applicationId: "${id}", reason: "PLANTED-reason" }) { errors { code } }
        c: controlSuspendApplication(input: { applicationId: "${id}", reason: "PLANTED-twice" }) { errors { code } }
      }`,
    );
    const { a, c } = answer.body.data as Record<string, { secret: string; errors: unknown[] }>;
    expect([a?.secret, c?.errors]).toEqual([
      expect.stringMatching(/^pk_/u),
      [{ code: 'INVALID_TRANSITION' }],
    ]);
    expect(Object.keys(answer.body)).toEqual(['data']);
    const records = coordinateRecords(await auditOf(gateway.where, answer.requestId));
    expect(
      records.flatMap(({ coordinate, changes }) =>
        changes.map(({ action, before, after }) => [coordinate, action, before, after]),
      ),
    ).toEqual([
      [
        'Mutation.controlCreateApiKey',
        'credential.create',
        null,
        [
          { name: 'kind', value: 'apiKey' },
          { name: 'prefix', value: expect.stringMatching(/^[0-9a-f]{16}$/u) },
          { name: 'scopes', value: ['orders:read'] },
          { name: 'applicationId', value: id },
        ],
      ],
      [
        'Mutation.controlSuspendApplication',
        'application.suspend',
        [{ name: 'status', value: 'active' }],
        [
          { name: 'status', value: 'suspended' },
          { name: 'reason', value: 'redacted' },
        ],
      ],
    ]);
    const log = auditText(gateway.where);
    expect([log.includes(a?.secret ?? ''), log.includes('PLANTED')]).toEqual([false, false]);
  });
});

describe('administration refuses', () => {
  it('a decision by who asked, without a second factor, or on what was edited since', async () => {
    const by = await customer();
    const row = await request(by);
    const weak = await gateway.issuer.token({
      ...STAFF,
      sub: 'weak',
      scope: 'portcullis:approve',
      amr: ['pwd'],
      auth_time: now(),
    });
    const stale = await gateway.issuer.token({
      ...STAFF,
      sub: 'old',
      scope: 'portcullis:approve',
      amr: ['mfa'],
      auth_time: now() - 3600,
    });
    expect(await refused(weak, 'controlApproveRequest', decision(row))).toEqual(['STEP_UP_REQUIRED']);
    expect(await refused(stale, 'controlApproveRequest', decision(row))).toEqual(['STEP_UP_REQUIRED']);
    expect(await refused(root, 'controlApproveRequest', decision(row))).toEqual([
      'GRAPHQL_VALIDATION_FAILED',
    ]);
    expect(await refused(by.dev, 'controlApproveRequest', decision(row))).toEqual([
      'GRAPHQL_VALIDATION_FAILED',
    ]);
    const edit = `{ subscriptionId: "${row.id}", expectedVersion: ${row.version}, planId: "${by.plan.id}", reason: "More." }`;
    await made(by.dev, 'controlEditRequest', edit, ROW);
    expect(await refused(ada, 'controlApproveRequest', decision(row))).toEqual(['VERSION_CONFLICT']);
  });

  it('a step on a version that is no longer the last', async () => {
    const row = await approve(await request(await customer()), ada);
    await made(root, 'controlSuspendSubscription', stepOf(row), ROW);
    expect(await refused(root, 'controlRevokeSubscription', stepOf(row))).toEqual(['VERSION_CONFLICT']);
  });

  it('everything of another tenant as if it did not exist, whatever the scopes', async () => {
    const theirs = await customer();
    const row = await request(theirs);
    const mine = await customer();
    const all = 'portcullis:develop portcullis:admin portcullis:approve portcullis:audit';
    const eve = await gateway.issuer.token({
      sub: 'dev',
      tenant: mine.slug,
      scope: all,
      amr: ['mfa'],
      auth_time: now(),
    });
    const { id: applicationId } = theirs.application;
    expect(await refused(eve, 'controlWithdrawRequest', stepOf(row))).toEqual(['NOT_FOUND']);
    expect(await refused(eve, 'controlCreateApiKey', `{ applicationId: "${applicationId}" }`)).toEqual([
      'NOT_FOUND',
    ]);
    expect(await refused(eve, 'controlApproveRequest', decision(row))).toEqual(['FORBIDDEN']);
    expect(
      await refused(eve, 'controlSuspendTenant', `{ tenantId: "${theirs.tenant.id}", reason: "Mine." }`),
    ).toEqual(['FORBIDDEN']);
    const seen = await run(
      eve,
      `{ admin { tenant(id: "${theirs.tenant.id}") { id } subscription(id: "${row.id}") { id } subscriptions { nodes { id } } tenants { nodes { slug } } credentials(applicationId: "${applicationId}") { nodes { id } } } }`,
    );
    expect(seen.body.data).toEqual({
      admin: {
        ...{ tenant: null, subscription: null, subscriptions: { nodes: [] }, credentials: null },
        tenants: { nodes: [{ slug: mine.slug }] },
      },
    });
  });

  it('a developer who is no member of the tenant', async () => {
    const by = await customer();
    const input = `{ applicationId: "${by.application.id}", planId: "${by.plan.id}", reason: "To sell." }`;
    expect(await refused(by.stranger, 'controlRequestAccess', input)).toEqual(['FORBIDDEN']);
  });

  it.each([
    ['anonymous callers', () => Promise.resolve(undefined)],
    ['callers without its scopes', () => gateway.issuer.token({ scope: 'orders:read' })],
    [
      'callers of a tenant it does not know',
      () => gateway.issuer.token({ tenant: 'nobody', scope: 'portcullis:develop' }),
    ],
  ])('%s', async (_, tokenOf) => {
    const token = await tokenOf();
    const answer = await ask(
      gateway.url,
      '{ admin { tenants { nodes { id } } } portal { catalogue { nodes { id } } } }',
      {
        ...(token === undefined ? {} : { token }),
      },
    );
    expect(JSON.stringify(answer.body.data ?? null)).not.toContain('ten_');
    expect(answer.body.errors?.length).toBeGreaterThan(0);
  });

  it('who lacks its scopes in the very words for what does not exist', async () => {
    const plain = await gateway.issuer.token({ scope: 'orders:read' });
    const normal = ({ status, text, requestId }: Answer) => [
      status,
      text.replaceAll(requestId, '').replaceAll(/admin|absent|portal|missng/gu, 'field'),
    ];
    for (const [name, other] of [
      ['admin', 'absent'],
      ['portal', 'missng'],
    ] as const) {
      for (const text of [
        '{ NAME { __typename } }',
        'query { orders x: NAME { tenants { nodes { id } } } }',
      ]) {
        const [hidden, absent] = [
          await run(plain, text.replace('NAME', name)),
          await run(plain, text.replace('NAME', other)),
        ];
        expect(normal(hidden)).toEqual(normal(absent));
      }
    }
    expect((await run(plain, '{ __schema { types { name } } }')).text).not.toContain('Control');
    expect((await run(root, '{ __schema { types { name } } }')).text).toContain('ControlAdmin');
  });

  it('input that breaks its bounds, before anything runs', async () => {
    const bad = ['slug: "UPPER"', `slug: "${'a'.repeat(70)}"`, 'slug: "a b"'];
    for (const slug of bad) {
      expect(await refused(root, 'controlCreateTenant', `{ ${slug}, name: "x", owner: "o" }`)).toEqual([
        'BAD_USER_INPUT',
      ]);
    }
    const many = await run(root, '{ admin { tenants(first: 101) { nodes { id } } } }');
    expect(many.body.errors?.[0]?.extensions['code']).toBe('BAD_USER_INPUT');
  });

  it('requests that do not come from its gateway', async () => {
    const url = gateway.adminUrl ?? '';
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//u);
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${root}` };
    const direct = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query: '{ admin { __typename } }' }),
    });
    expect(direct.status).toBe(401);
  });
});
