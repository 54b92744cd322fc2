import { describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/control/actor.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import { sql } from '../../src/control/drizzle.ts';
import {
  ACTIONS,
  nextState,
  STATES,
  type SubscriptionAction,
  type SubscriptionState,
} from '../../src/control/subscription-life.ts';
import type { Subscription } from '../../src/control/tables.ts';
import {
  admin,
  faultOf,
  member,
  REQUEST_TTL_MS,
  type Seeded,
  seed,
  submit,
  type TestControl,
  versionIn,
} from './database-kit.ts';
import { useTestControl } from './use-test-control.ts';

const test = useTestControl();

type Kind = 'single' | 'dual';
/** What callers can ask for; the others are done by time and by renewals. */
type Asked = Exclude<SubscriptionAction, 'lapse' | 'expire' | 'supersede'>;
const ASKED = ACTIONS.filter(
  (action): action is Asked => action !== 'lapse' && action !== 'expire' && action !== 'supersede',
);

const DAY_MS = 86_400_000;
const reasoned = (row: Subscription) => ({ id: row.id, reason: 'Because.' });

function act(control: ControlPlane, seeded: Seeded, row: Subscription, action: Asked, by = 'grace') {
  const owner = member(seeded.tenant.id, { subject: 'boss', role: 'owner' });
  const staff = admin(by, test);
  switch (action) {
    case 'approve':
    case 'reject':
      return control.requests.decide(staff, {
        ...{ id: row.id, decision: action, comment: '', requestVersion: row.requestVersion },
      });
    case 'edit':
      return control.requests.edit(member(seeded.tenant.id), { ...reasoned(row), planId: seeded.plan.id });
    case 'withdraw':
      return control.requests.withdraw(member(seeded.tenant.id), reasoned(row));
    case 'cancel':
      return control.subscriptions.cancel(owner, reasoned(row));
    default:
      return control.subscriptions[action](staff, reasoned(row));
  }
}

/** Steps from a new request to a state. */
const WAY: Readonly<Record<SubscriptionState, readonly (Asked | 'term' | 'wait')[]>> = {
  PENDING: [],
  PARTIALLY_APPROVED: [],
  ACTIVE: ['approve'],
  SUSPENDED: ['approve', 'suspend'],
  REJECTED: ['reject'],
  WITHDRAWN: ['withdraw'],
  LAPSED: ['wait'],
  EXPIRED: ['approve', 'term'],
  REVOKED: ['approve', 'revoke'],
  CANCELLED: ['approve', 'cancel'],
};

const seededOnce = new Map<Kind, Seeded>();
let applications = 0;

/** An application of its own beside a tenant, a product and a plan that all share: no step changes those. */
async function seededFor(kind: Kind): Promise<Seeded> {
  const seeded = seededOnce.get(kind) ?? (await seed(test, { approval: kind, termDays: 1 }));
  seededOnce.set(kind, seeded);
  applications += 1;
  const application = await test.control.applications.create(SYSTEM, {
    ...{ tenantId: seeded.tenant.id, name: `Application ${applications}`, environment: 'production' },
  });
  return { ...seeded, application };
}

async function inState(state: SubscriptionState, kind: Kind): Promise<{ seeded: Seeded; row: Subscription }> {
  const seeded = await seededFor(kind);
  let row = await submit(test, seeded);
  const needsFirst = kind === 'dual' && (state === 'PARTIALLY_APPROVED' || WAY[state].includes('approve'));
  if (needsFirst) row = await act(test.control, seeded, row, 'approve', 'ada');
  for (const step of WAY[state]) {
    if (step === 'term') test.clock.now += DAY_MS;
    else if (step === 'wait') test.clock.now += REQUEST_TTL_MS;
    else row = await act(test.control, seeded, row, step, 'edsger');
  }
  const current = await test.control.subscriptions.get(SYSTEM, row.id);
  if (current === null) throw new Error('It is gone.');
  expect(current.state).toBe(state);
  return { seeded, row: current };
}

type Standing = Awaited<ReturnType<typeof inState>>;
let refusing: { readonly of: string; readonly standing: Standing } | null = null;

/** As `inState`, for steps that are refused: they leave all as it was, so that the next one finds it so. */
async function standingIn(state: SubscriptionState, kind: Kind): Promise<Standing> {
  // Time alone may end what is active.
  if (refusing?.of === `${state} ${kind} ${test.clock.now}`) return refusing.standing;
  const standing = await inState(state, kind);
  refusing = { of: `${state} ${kind} ${test.clock.now}`, standing };
  return standing;
}

/** Whatever a step writes. */
async function traces(id: string) {
  const { control, database } = test;
  const told = await database.transact(null, (tx) =>
    tx.execute(sql`SELECT count(*)::int AS n FROM outbox WHERE payload->>'id' = ${id}`),
  );
  return {
    history: (await control.history.of(SYSTEM, id, { first: 100 })).items.map(({ action }) => action),
    decisions: (await control.history.approvals(SYSTEM, id)).length,
    notifications: Number(told.rows[0]?.['n']),
    version: await versionIn({ control }),
  };
}

let known: { readonly id: string; readonly traces: Awaited<ReturnType<typeof traces>> } | null = null;

/** As `traces`; what a refused step was seen to leave as it was is known for the next one. */
async function tracesBefore(id: string): ReturnType<typeof traces> {
  return known?.id === id ? known.traces : await traces(id);
}

/** Whether the design lets a request of one kind be in a state at all. */
const exists = (state: SubscriptionState, kind: Kind) => state !== 'PARTIALLY_APPROVED' || kind === 'dual';

const MATRIX = (['single', 'dual'] as const).flatMap((kind) =>
  STATES.filter((state) => exists(state, kind)).flatMap((state) =>
    ASKED.map((action) => [action, state, kind] as const),
  ),
);

describe('on the store', () => {
  it.each(MATRIX)(
    '%s of one that is %s under %s approval writes all of the step or nothing',
    async (...of) => {
      const [action, state, kind] = of;
      const expected = nextState(state, action, kind);
      const { seeded, row } = await (expected === null ? standingIn : inState)(state, kind);
      const before = await tracesBefore(row.id);
      known = null;
      if (expected === null) {
        expect(await faultOf(act(test.control, seeded, row, action))).toEqual({
          ...{ code: 'INVALID_TRANSITION', state, action },
        });
        expect(await traces(row.id)).toEqual(before);
        known = { id: row.id, traces: before };
        expect((await test.control.subscriptions.get(SYSTEM, row.id))?.state).toBe(state);
        return;
      }
      const after = await act(test.control, seeded, row, action);
      expect(after).toMatchObject({ state: expected, version: row.version + 1 });
      expect(await traces(row.id)).toEqual({
        history: [...before.history, `subscription.${action}`],
        decisions: before.decisions + (action === 'approve' || action === 'reject' ? 1 : 0),
        notifications: before.notifications + 1,
        version: before.version + 1,
      });
    },
  );

  it.each(['ACTIVE', 'SUSPENDED'] as const)(
    'an approved renewal takes the place of one that is %s in one step',
    async (state) => {
      const { seeded, row } = await inState(state, 'single');
      const renewal = await test.control.requests.renew(member(seeded.tenant.id), {
        ...{ id: row.id, planId: seeded.plan.id, reason: 'More.' },
      });
      const { version } = await traces(row.id);
      await act(test.control, seeded, renewal, 'approve');
      const { history, version: after } = await traces(row.id);
      expect([history.at(-1), after]).toEqual(['subscription.supersede', version + 1]);
      expect((await test.control.subscriptions.get(SYSTEM, row.id))?.state).toBe('EXPIRED');
    },
  );

  it('the clock that steps back revives nothing that was written down, and what was not it judges anew', async () => {
    const { row } = await inState('EXPIRED', 'single');
    test.clock.now -= 1;
    expect((await test.control.subscriptions.get(SYSTEM, row.id))?.state).toBe('ACTIVE');
    test.clock.now += 1;
    await test.control.subscriptions.sweep(SYSTEM);
    test.clock.now -= DAY_MS;
    expect((await test.control.subscriptions.get(SYSTEM, row.id))?.state).toBe('EXPIRED');
    test.clock.now += DAY_MS;
  });
});

describe('a change that breaks off', () => {
  /** The same control plane, whose transactions break before their nth statement. */
  function breakingAt(nth: number): { readonly control: TestControl['control']; readonly ran: () => number } {
    let statements = 0;
    const database = {
      ...test.database,
      transact: <T>(scope: string | null, work: (tx: never) => Promise<T>): Promise<T> =>
        test.database.transact(scope, (tx) => {
          const broken = new Proxy(tx, {
            get: (target, name, receiver) => {
              const value: unknown = Reflect.get(target, name, receiver);
              if (typeof value !== 'function') return value;
              if (name !== 'select' && name !== 'insert' && name !== 'update' && name !== 'execute')
                return value.bind(target);
              return (...input: unknown[]) => {
                statements += 1;
                if (statements === nth) throw new Error('The connection is gone.');
                return value.apply(target, input);
              };
            },
          });
          return work(broken as never);
        }),
    };
    return { control: test.controlOn(database as TestControl['database']), ran: () => statements };
  }

  it.each(['approve', 'edit', 'reject', 'withdraw'] as const)(
    'before any statement of %s leaves all as it was, and can be done again',
    async (action) => {
      const { seeded, row } = await inState('PENDING', 'single');
      const before = await traces(row.id);
      let nth = 0;
      for (;;) {
        nth += 1;
        const { control, ran } = breakingAt(nth);
        const result = await act(control, seeded, row, action).catch((fault: unknown) => fault);
        if (ran() < nth) break;
        expect(result).toBeInstanceOf(Error);
        expect(await traces(row.id)).toEqual(before);
      }
      // A change that wrote less would prove little.
      expect(nth).toBeGreaterThan(6);
      expect((await traces(row.id)).version).toBe(before.version + 1);
    },
  );
});
