import { SYSTEM } from '../src/control/actor.ts';
import type { ControlPlane } from '../src/control/control-plane.ts';
import type { DemoIssuer, DemoPerson } from './demo-issuer.ts';

/** The tenant that provides the APIs, and the ones that consume them. */
const PROVIDER = 'storefront';
const CONSUMERS = ['acme', 'globex', 'initech'] as const;

/** People of the provider. */
const factors = { amr: ['pwd', 'otp'], freshlyAuthenticated: true };
export const STAFF = {
  'administrator of the platform': { subject: 'staff-root', tenant: PROVIDER, scopes: ['portcullis:admin'] },
  'approver without a second factor': {
    ...{ subject: 'staff-hasty', tenant: PROVIDER, scopes: ['portcullis:approve'] },
    ...{ amr: ['pwd'], freshlyAuthenticated: true },
  },
  'first approver': { subject: 'staff-ada', tenant: PROVIDER, scopes: ['portcullis:approve'], ...factors },
  'approver who asks': {
    ...{ subject: 'staff-alan', tenant: PROVIDER, ...factors },
    scopes: ['portcullis:admin', 'portcullis:approve'],
  },
  'second approver': { subject: 'staff-grace', tenant: PROVIDER, scopes: ['portcullis:approve'], ...factors },
} as const satisfies Record<string, DemoPerson>;

const DEVELOPER = {
  ...{ subject: 'globex-dev', tenant: 'globex', scopes: ['portcullis:develop', 'orders:read'] },
} as const satisfies DemoPerson;

/** Two products over parts of the graph that nothing else in the tour asks for. */
const PRODUCTS = [
  { name: 'Market insight', coordinates: ['Product.salesRank'], approval: 'single' },
  { name: 'Shipping quotes', coordinates: ['Product.shippingEstimate'], approval: 'dual' },
] as const;

const RANKS = '{ products(first: 1) { nodes { sku salesRank } } }';
const QUOTES = '{ products(first: 1) { nodes { sku shippingEstimate { amountMinor } } } }';

/** How long a change may take to count. */
const EFFECT_MS = 1000;
const RETRY_MS = 10;

/** The tenants of the example with their application, and the products; what is there already is left as it is. */
export async function seedControl(control: ControlPlane): Promise<void> {
  for (const slug of [PROVIDER, ...CONSUMERS]) {
    if ((await control.tenants.bySlug(SYSTEM, slug)) !== null) continue;
    const { id: tenantId } = await control.tenants.create(SYSTEM, {
      slug,
      name: slug,
      owner: `${slug}-owner`,
    });
    await control.tenants.setMember(SYSTEM, { tenantId, subject: `${slug}-dev`, role: 'developer' });
    const { id: applicationId } = await control.applications.create(SYSTEM, {
      ...{ tenantId, name: 'Demo shop', environment: 'production' },
    });
    await control.credentials.registerOauthClient(SYSTEM, { applicationId, clientId: 'demo-shop' });
  }
  if ((await control.products.list(SYSTEM, {})).items.length > 0) return;
  for (const terms of PRODUCTS) {
    const { id } = await control.products.create(SYSTEM, { ...terms, tags: [], visibility: 'public' });
    await control.products.step(SYSTEM, { id, step: 'publish' });
    const plan = await control.products.createPlan(SYSTEM, {
      ...{ productId: id, name: 'Standard', limits: { rate: { points: 10, burst: 50 } }, termDays: 365 },
    });
    await control.products.publishPlan(SYSTEM, { id: plan.id });
  }
}

/** One step of the tour and what it showed. */
export interface Shown {
  readonly title: string;
  readonly showed: string;
}

/** Where the tour goes, and who signs its tokens. */
interface Destination {
  readonly url: string;
  readonly issuer: DemoIssuer;
}

/** A subscription as its changes need it. */
interface Row {
  readonly id: string;
  readonly state: string;
  readonly version: number;
  readonly requestVersion: number;
}

interface Answer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
}

/** From a refused call over its approval to a call that runs, its suspension and resumption; throws where one differs. */
export async function* approvalTour(system: Destination): AsyncGenerator<Shown> {
  const tour = new Tour(system);
  await tour.call(RANKS, 'SUBSCRIPTION_REQUIRED');
  yield {
    title: 'An application of globex calls what it has not subscribed to',
    showed: 'refused, with the product to ask for',
  };

  const asked = await tour.request('Market insight');
  yield { title: 'Its developer asks for access', showed: `the request is ${asked.state}` };

  const codes = await tour.decide(asked, 'approver without a second factor');
  if (codes !== 'STEP_UP_REQUIRED') throw new Error(`approved with one factor: ${codes}`);
  yield { title: 'An approver without a second factor decides', showed: 'refused with STEP_UP_REQUIRED' };

  const active = await tour.approve(asked, 'first approver');
  const afterMs = await tour.call(RANKS, null);
  yield {
    title: 'An approver with a second factor approves',
    showed: `the same call runs, ${afterMs} ms later`,
  };

  const suspended = await tour.administer('controlSuspendSubscription', active);
  const stoppedMs = await tour.call(RANKS, 'SUBSCRIPTION_REQUIRED');
  yield {
    title: 'An administrator suspends the subscription',
    showed: `the call is refused, ${stoppedMs} ms later`,
  };

  await tour.administer('controlResumeSubscription', suspended);
  yield { title: 'and resumes it', showed: `the call runs, ${await tour.call(RANKS, null)} ms later` };

  const dual = await tour.request('Shipping quotes', STAFF['approver who asks']);
  const own = await tour.decide(dual, 'approver who asks');
  if (own !== 'FORBIDDEN') throw new Error(`approved by who asked: ${own}`);
  const half = await tour.approve(dual, 'first approver');
  const again = await tour.decide(half, 'first approver');
  if (half.state !== 'PARTIALLY_APPROVED' || again !== 'CONFLICT') throw new Error(`${half.state}, ${again}`);
  await tour.call(QUOTES, 'SUBSCRIPTION_REQUIRED');
  await tour.approve(half, 'second approver');
  await tour.call(QUOTES, null);
  yield {
    title: 'A product that two have to approve',
    showed: 'who asked cannot approve; one approval, even twice, is not enough; the second person’s is',
  };
}

/** What people of the tour ask of the gateway. */
export class Tour {
  readonly #system: Destination;

  constructor(system: Destination) {
    this.#system = system;
  }

  /** Calls until the answer has the code, or no error where it is null; how long that took. Units: milliseconds. */
  async call(query: string, code: string | null): Promise<number> {
    const startedMs = performance.now();
    for (;;) {
      const { errors = [] } = await this.#send(DEVELOPER, query);
      const afterMs = Math.round(performance.now() - startedMs);
      if (errors.length === 0 ? code === null : errors.every(({ extensions }) => extensions.code === code))
        return afterMs;
      if (afterMs > EFFECT_MS)
        throw new Error(`still ${errors[0]?.extensions.code ?? 'answered'} after a second`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Asks for the application of globex. */
  async request(productName: string, by: DemoPerson = DEVELOPER): Promise<Row> {
    const found = await this.#send(
      DEVELOPER,
      '{ portal { catalogue { nodes { name plans { id } } } myApplications { nodes { id } } } }',
    );
    const { portal } = found.data as {
      portal: {
        catalogue: { nodes: { name: string; plans: { id: string }[] }[] };
        myApplications: { nodes: { id: string }[] };
      };
    };
    const planId = portal.catalogue.nodes.find(({ name }) => name === productName)?.plans[0]?.id;
    const applicationId = portal.myApplications.nodes[0]?.id;
    return this.#made(by, 'controlRequestAccess', {
      applicationId,
      planId,
      reason: 'For the shop window.',
    });
  }

  /** The code of the refusal; empty where it was approved. */
  async decide(row: Row, by: keyof typeof STAFF): Promise<string> {
    const { errors } = await this.#change(STAFF[by], 'controlApproveRequest', decisionOn(row));
    return errors.map(({ code }) => code).join();
  }

  approve(row: Row, by: keyof typeof STAFF): Promise<Row> {
    return this.#made(STAFF[by], 'controlApproveRequest', decisionOn(row));
  }

  administer(mutation: 'controlSuspendSubscription' | 'controlResumeSubscription', row: Row): Promise<Row> {
    const input = { subscriptionId: row.id, expectedVersion: row.version, reason: 'Part of the tour.' };
    return this.#made(STAFF['administrator of the platform'], mutation, input);
  }

  async #made(person: DemoPerson, mutation: string, input: object): Promise<Row> {
    const { subscription, errors } = await this.#change(person, mutation, input);
    if (subscription === null) throw new Error(`${mutation}: ${errors.map(({ code }) => code).join()}`);
    return subscription;
  }

  async #change(
    person: DemoPerson,
    mutation: string,
    input: object,
  ): Promise<{ readonly subscription: Row | null; readonly errors: readonly { readonly code: string }[] }> {
    const query = `mutation Change($input: ${INPUTS.get(mutation)}!) {
      ${mutation}(input: $input) { subscription { id state version requestVersion } errors { code } }
    }`;
    const answer = await this.#send(person, query, { input });
    const payload = answer.data?.[mutation];
    if (payload == null) throw new Error(`${mutation}: ${answer.errors?.[0]?.extensions.code}`);
    return payload as { subscription: Row | null; errors: { code: string }[] };
  }

  async #send(person: DemoPerson, query: string, variables: object = {}): Promise<Answer> {
    const token = await this.#system.issuer.token(person);
    const response = await fetch(this.#system.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(10_000),
    });
    return (await response.json()) as Answer;
  }
}

const INPUTS: ReadonlyMap<string, string> = new Map([
  ['controlRequestAccess', 'ControlRequestAccessInput'],
  ['controlApproveRequest', 'ControlDecisionInput'],
  ['controlSuspendSubscription', 'ControlSubscriptionInput'],
  ['controlResumeSubscription', 'ControlSubscriptionInput'],
]);

function decisionOn({ id, requestVersion }: Row) {
  return { subscriptionId: id, requestVersion };
}
