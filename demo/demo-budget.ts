import { SYSTEM } from '../src/control/actor.ts';
import type { ControlPlane } from '../src/control/control-plane.ts';
import { type BudgetConfig, parseBudgetConfig } from '../subgraphs/ai/budget/budget-config.ts';
import { type Shown, Tour } from './demo-approvals.ts';
import type { DemoIssuer, DemoPerson } from './demo-issuer.ts';
import { PEOPLE } from './demo-requests.ts';

const PRODUCT = 'Language models';
const FIELDS = [
  ...[
    'Mutation.chat',
    'Subscription.chatStream',
    'Mutation.embed',
    'Mutation.moderate',
    'GeneratedText.answer',
  ],
];
const MODEL = 'portcullis/offline';

/** What is asked of a subscription by `Trial` can take 5,160 micro-USD at most, and takes some sixty. */
const PLANS = [
  { name: 'Trial', ai: { models: [MODEL], spend: { microUsd: 5400, per: 'month' } } },
  { name: 'Assistants', ai: { models: ['portcullis/*'], spend: { microUsd: 10_000_000, per: 'month' } } },
] as const;

/** As if the offline model were one that is paid for. */
export const DEMO_BUDGET: BudgetConfig = parseBudgetConfig({
  prices: { version: 'demo-1', models: { [MODEL]: { input: 1_000_000, output: 5_000_000 } } },
});

const TRIAL_BOT = {
  ...{ subject: 'globex-bot', tenant: 'globex', scopes: ['ai:chat', 'ai:embed'] },
} as const satisfies DemoPerson;

const TIMEOUT_MS = 30_000;
const QUESTION = 'The gate opens at nine. When does the gate open?';
const ANSWER = 'The gate opens at nine.';
/** More than the budget of the trial lets through. */
const CALLS_MAX = 50;
/** A change of the control plane counts within a second; the first call also compiles. */
const EFFECT_MS = 5000;
const RETRY_MS = 10;

/** The product of the models with its plans, and the subscription of initech; what is there already is left as it is. */
export async function seedModels(control: ControlPlane): Promise<void> {
  const { items } = await control.products.list(SYSTEM, {});
  if (items.some(({ name }) => name === PRODUCT)) return;
  const terms = {
    name: PRODUCT,
    coordinates: FIELDS,
    tags: [],
    approval: 'single',
    visibility: 'public',
  } as const;
  const { id: productId } = await control.products.create(SYSTEM, terms);
  await control.products.step(SYSTEM, { id: productId, step: 'publish' });
  const plans: string[] = [];
  for (const { name, ai } of PLANS) {
    const plan = await control.products.createPlan(SYSTEM, {
      productId,
      name,
      limits: { ai },
      termDays: 365,
    });
    await control.products.publishPlan(SYSTEM, { id: plan.id });
    plans.push(plan.id);
  }
  const tenant = await control.tenants.bySlug(SYSTEM, 'initech');
  const [application] = (await control.applications.list(SYSTEM, tenant?.id ?? null, {})).items;
  const { id, requestVersion } = await control.requests.submit(SYSTEM, {
    ...{ applicationId: application?.id ?? '', planId: plans[1] ?? '', reason: 'For the help desk.' },
  });
  const approver = { ...SYSTEM, subject: 'staff-ada', amr: ['pwd', 'otp'], authTime: Date.now() / 1000 };
  await control.requests.decide(approver, { id, requestVersion, decision: 'approve', comment: '' });
}

/** Resolves when the subscription of initech has come into effect. */
export async function modelsInEffect(system: {
  readonly url: string;
  readonly issuer: DemoIssuer;
}): Promise<void> {
  const client = new ModelCaller(system, PEOPLE['assistant of initech']);
  const free = { model: 'portcullis/offline-embedding', input: 'Is it there yet?' };
  await client.untilAnswered(() => client.send('/v1/embeddings', free));
}

/** An application that asks for models, is approved, uses them, and comes to the ends of its plan; throws where one differs. */
export async function* budgetTour(system: {
  readonly url: string;
  readonly issuer: DemoIssuer;
}): AsyncGenerator<Shown> {
  const client = new ModelCaller(system, TRIAL_BOT);
  const before = await client.chat();
  if (before.status !== 403) throw new Error(`status ${before.status}`);
  yield {
    title: 'An application of globex asks a model',
    showed: 'refused with 403: it has no subscription',
  };

  const tour = new Tour(system);
  const asked = await tour.request(PRODUCT);
  await tour.approve(asked, 'first approver');
  const chat = await client.untilAnswered();
  const { choices } = (await chat.json()) as { choices: readonly { message: { content: string } }[] };
  if (choices[0]?.message.content !== ANSWER) throw new Error('another answer');
  yield { title: 'It is approved for a trial, and chats', showed: `the model says: "${ANSWER}"` };

  const stream = await client.chat({ stream: true });
  const text = await stream.text();
  if (stream.status !== 200 || !text.includes('[DONE]')) throw new Error(`status ${stream.status}`);
  yield { title: 'and streams', showed: `${text.split('\n\n').length - 2} chunks` };

  const other = await client.send('/v1/embeddings', {
    model: 'portcullis/offline-embedding',
    input: QUESTION,
  });
  const code = await codeOf(other);
  if (other.status !== 403 || code !== 'model_not_approved')
    throw new Error(`status ${other.status}, ${code}`);
  yield {
    title: 'It asks a model that its plan does not name',
    showed: 'refused with 403 model_not_approved',
  };

  let calls = 2;
  let last = await client.chat();
  for (; last.status === 200 && calls < CALLS_MAX; calls += 1) last = await client.chat();
  const exhausted = await codeOf(last);
  const wait = Number(last.headers.get('retry-after'));
  if (last.status !== 429 || exhausted !== 'insufficient_quota' || !(wait > 0))
    throw new Error(`after ${calls} calls: status ${last.status}, ${exhausted}, retry-after ${wait}`);
  yield {
    title: 'It goes on until its budget of money cannot hold another call',
    showed: `refused with 429 insufficient_quota after ${calls} calls; come back in ${wait} seconds`,
  };
}

async function codeOf(response: Response): Promise<string | undefined> {
  const { error } = (await response.json()) as { error?: { code: string } };
  return error?.code;
}

class ModelCaller {
  readonly #system: { readonly url: string; readonly issuer: DemoIssuer };
  readonly #person: DemoPerson;

  constructor(system: { readonly url: string; readonly issuer: DemoIssuer }, person: DemoPerson) {
    this.#system = system;
    this.#person = person;
  }

  chat(more: object = {}): Promise<Response> {
    const messages = [{ role: 'user', content: QUESTION }];
    return this.send('/v1/chat/completions', { model: MODEL, messages, ...more });
  }

  /** Asks until an approval has come into effect. */
  async untilAnswered(ask = () => this.chat()): Promise<Response> {
    const startedMs = performance.now();
    for (;;) {
      const response = await ask();
      if (response.status === 200) return response;
      if (performance.now() - startedMs > EFFECT_MS)
        throw new Error(`still ${response.status} after ${EFFECT_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async send(path: string, body: object): Promise<Response> {
    return fetch(new URL(path, this.#system.url), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await this.#system.issuer.token(this.#person)}`,
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  }
}
