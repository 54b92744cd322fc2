import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Actor, SYSTEM } from '../../src/control/actor.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import { embeddedDatabase } from '../control/embedded-database.ts';
import { auditEvents, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { bearer, type Outcome, overMultipart, overSocket, overSse } from './subscription-clients.ts';
import { startTicks } from './subscription-kit.ts';

/** A bound for waiting; that it is kept without an event is what counts. */
const WITHIN = { timeout: 5000, interval: 10 };

let ticks: Awaited<ReturnType<typeof startTicks>>;
let gateway: TestGateway;
let control: ControlPlane;
let planId: string;

beforeAll(async () => {
  ticks = await startTicks();
  gateway = await startTestGateway([ticks], {
    subgraphs: { ticks: { identity: 'none' } },
    // Only what the control plane tells at once is in time.
    state: { database: embeddedDatabase(), pollMs: 60_000 },
    approvals: { enforce: true, staleMs: 600_000 },
  });
  if (gateway.control === null) throw new Error('no control plane');
  control = gateway.control;
  const { id: productId } = await control.products.create(SYSTEM, {
    ...{ name: 'Ticks', coordinates: ['Subscription.ticks'], tags: [] },
    ...{ visibility: 'public', approval: 'single' },
  });
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
  await ticks?.close();
});

interface Customer {
  readonly tenantId: string;
  readonly applicationId: string;
  readonly subscriptionId: string;
  readonly credentialId: string;
  readonly token: string;
  readonly key: string;
}

const approver = (): Actor => ({ ...SYSTEM, subject: 'ada', amr: ['mfa'], authTime: Date.now() / 1000 });
let customers = 0;

/** A new tenant whose application may subscribe, with a token and with an API key. */
async function customer(): Promise<Customer> {
  customers += 1;
  const slug = `customer-${customers}`;
  const { id: tenantId } = await control.tenants.create(SYSTEM, { slug, name: slug });
  const { id: applicationId } = await control.applications.create(SYSTEM, {
    ...{ tenantId, name: 'Shop', environment: 'production' },
  });
  await control.credentials.registerOauthClient(SYSTEM, { applicationId, clientId: 'shop' });
  const { secret, credential } = await control.credentials.createApiKey(SYSTEM, {
    applicationId,
    scopes: [],
  });
  const wanted = await control.requests.submit(SYSTEM, { applicationId, planId, reason: 'To watch.' });
  const { id, requestVersion } = wanted;
  const approval = { id, requestVersion, decision: 'approve', comment: '' } as const;
  const { id: subscriptionId } = await control.requests.decide(approver(), approval);
  const token = await gateway.issuer.token({ tenant: slug });
  return { tenantId, applicationId, subscriptionId, credentialId: credential.id, token, key: secret ?? '' };
}

const because = (id: string) => ({ id, reason: 'Because.' });
const codesOf = ({ errors }: Outcome): string =>
  JSON.stringify(errors.map((each) => Object(each).errors ?? each));

/** Opens a stream and sees one event of it; the way to the gateway may not know yet that it was approved. */
async function watching(open: (query: string) => Outcome, name: string): Promise<Outcome> {
  let seen: Outcome | null = null;
  await vi.waitFor(
    async () => {
      if (seen === null || seen.done || seen.errors.length > 0) seen = open(`subscription ${name} { ticks }`);
      ticks.emit('ticks', () => 'tick');
      expect(seen.events).toContainEqual({ data: { ticks: 'tick' } });
    },
    { timeout: 10_000, interval: 50 },
  );
  if (seen === null) throw new Error('no stream');
  return seen;
}

type Revoke = (of: Customer) => Promise<unknown>;
const REVOCATIONS: readonly (readonly [string, string, Revoke])[] = [
  [
    'its subscription is suspended',
    'SUBSCRIPTION_ENDED',
    (of) => control.subscriptions.suspend(SYSTEM, because(of.subscriptionId)),
  ],
  [
    'its subscription is revoked',
    'SUBSCRIPTION_ENDED',
    (of) => control.subscriptions.revoke(SYSTEM, because(of.subscriptionId)),
  ],
  [
    'its application is suspended',
    'ACCESS_SUSPENDED',
    (of) => control.applications.step(SYSTEM, { ...because(of.applicationId), step: 'suspend' }),
  ],
  [
    'its tenant is suspended',
    'ACCESS_SUSPENDED',
    (of) => control.tenants.suspend(SYSTEM, of.tenantId, { reason: 'Unpaid.' }),
  ],
];

describe('a stream on which nothing happens', () => {
  it.each(REVOCATIONS)('ends when %s', async (_what, code, revoke) => {
    const of = await customer();
    const name = `Watch${customers}`;
    const seen = await watching((query) => overSse(gateway.url, query, bearer(of.token)), name);
    await revoke(of);
    await vi.waitFor(() => expect(JSON.stringify(seen)).toContain(code), WITHIN);
    await vi.waitFor(() => expect(ticks.streams()).toBe(0), WITHIN);
    expect(JSON.stringify(seen.events.at(-1)), 'the last word').toContain(code);
    await vi.waitFor(
      () =>
        expect(
          auditEvents(gateway.where).filter(
            ({ operation, events }) => operation?.name === name && (events ?? 0) > 0,
          ),
        ).toMatchObject([{ code }]),
      WITHIN,
    );
  });

  it.each([
    ['graphql-sse', overSse],
    ['graphql-ws', overSocket],
    ['Apollo Client', overMultipart],
  ])('of %s ends when its API key is revoked', async (client, subscribe) => {
    const of = await customer();
    const seen = await watching(
      (query) => subscribe(gateway.url, query, `ApiKey ${of.key}`),
      `Key${customers}`,
    );
    await control.credentials.revoke(SYSTEM, because(of.credentialId));
    await vi.waitFor(() => expect(JSON.stringify(seen) + codesOf(seen)).toContain('UNAUTHENTICATED'), WITHIN);
    await vi.waitFor(() => expect(ticks.streams()).toBe(0), WITHIN);
    // Who connects again is refused.
    const again = subscribe(gateway.url, 'subscription { ticks }', `ApiKey ${of.key}`);
    await vi.waitFor(() => expect(again.done || again.errors.length > 0, client).toBe(true), WITHIN);
    expect(again.events.filter((event) => JSON.stringify(event).includes('"tick"'))).toEqual([]);
  });

  it('goes on when another is suspended', async () => {
    const of = await customer();
    const other = await customer();
    const seen = await watching((query) => overSse(gateway.url, query, bearer(of.token)), 'Mine');
    const theirs = await watching((query) => overSse(gateway.url, query, bearer(other.token)), 'Theirs');
    await control.tenants.suspend(SYSTEM, other.tenantId, { reason: 'Unpaid.' });
    await vi.waitFor(() => expect(JSON.stringify(theirs)).toContain('ACCESS_SUSPENDED'), WITHIN);
    ticks.emit('ticks', () => 'later');
    await vi.waitFor(() => expect(seen.events).toContainEqual({ data: { ticks: 'later' } }), WITHIN);
    expect(seen.done).toBe(false);
    seen.leave();
  });
});
