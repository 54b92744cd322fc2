import { type Actor, requireManager, requirePlatform } from './actor.ts';
import { and, asc, eq, gt, inArray, lte, or } from './drizzle.ts';
import { type Page, type PageInput, paged, pageOf, text } from './input.ts';
import { LIVE, REASON_CHARS_MAX, type SubscriptionState, stateAt, UNDECIDED } from './subscription-life.ts';
import { end, step } from './subscription-rows.ts';
import { type Subscription, subscriptions } from './tables.ts';
import type { Idempotent } from './tenants-store.ts';
import { change, read, type UnitDeps } from './unit-of-work.ts';

export interface StepInput extends Idempotent {
  readonly id: string;
  readonly reason: string;
  /** The version that the actor has seen; any where it is not given. */
  readonly expectedVersion?: number | undefined;
}

/** Overdue subscriptions that one change of the sweeper ends. */
const SWEEP_MAX = 200;

/** Subscriptions that run, and what became of all; the table of their life decides what is allowed. */
export class SubscriptionsStore {
  readonly #deps: UnitDeps;

  constructor(deps: UnitDeps) {
    this.#deps = deps;
  }

  /** Throws: FORBIDDEN, NOT_FOUND, INVALID_TRANSITION. */
  suspend(actor: Actor, input: StepInput): Promise<Subscription> {
    return this.#administer(actor, 'suspend', input);
  }

  /** Throws: FORBIDDEN, NOT_FOUND, INVALID_TRANSITION. */
  resume(actor: Actor, input: StepInput): Promise<Subscription> {
    return this.#administer(actor, 'resume', input);
  }

  /** Throws: FORBIDDEN, NOT_FOUND, INVALID_TRANSITION. */
  revoke(actor: Actor, input: StepInput): Promise<Subscription> {
    return this.#administer(actor, 'revoke', input);
  }

  /** Ends a subscription that its application no longer needs. Throws: NOT_FOUND, FORBIDDEN, INVALID_TRANSITION. */
  cancel(actor: Actor, { idempotencyKey, ...input }: StepInput): Promise<Subscription> {
    return step({ deps: this.#deps, actor }, { action: 'cancel', input, idempotencyKey }, async (_, row) => {
      requireManager(actor, row.tenantId);
      return {};
    });
  }

  /** As it stands at the time of the call; null where there is none, or none that the actor may know of. */
  async get(actor: Actor, id: string): Promise<Subscription | null> {
    const [row] = await read(this.#deps, actor, (tx) =>
      tx.select().from(subscriptions).where(eq(subscriptions.id, id)),
    );
    return row === undefined ? null : this.#atNow(row);
  }

  /** Throws: INVALID_INPUT. */
  async list(
    actor: Actor,
    {
      tenantId,
      applicationId,
      state,
      ...page
    }: PageInput & {
      readonly tenantId?: string | undefined;
      readonly applicationId?: string | undefined;
      readonly state?: SubscriptionState | undefined;
    },
  ): Promise<Page<Subscription>> {
    const { limit, after } = pageOf(page);
    const wanted = [
      ...(tenantId === undefined ? [] : [eq(subscriptions.tenantId, tenantId)]),
      ...(applicationId === undefined ? [] : [eq(subscriptions.applicationId, applicationId)]),
      ...(state === undefined ? [] : [eq(subscriptions.state, state)]),
    ];
    const rows = await read(this.#deps, actor, (tx) =>
      tx
        .select()
        .from(subscriptions)
        .where(and(gt(subscriptions.id, after), ...wanted))
        .orderBy(asc(subscriptions.id))
        .limit(limit),
    );
    const found = paged(
      rows.map((row) => this.#atNow(row)),
      limit,
      ({ id }) => id,
    );
    // What time has ended since it was written down is no longer in the state that was asked for.
    const items = found.items.filter((row) => state === undefined || row.state === state);
    return { ...found, items };
  }

  /** Writes down what time has ended; nothing waits for it, since every decision asks the clock. Returns how many. */
  sweep(system: Actor): Promise<number> {
    const action = 'subscription.sweep';
    return change(this.#deps, system, { action, input: null, idempotencyKey: undefined }, async (unit) => {
      const due = await unit.tx
        .select()
        .from(subscriptions)
        .where(
          or(
            and(inArray(subscriptions.state, [...UNDECIDED]), lte(subscriptions.lapsesAt, unit.now)),
            and(inArray(subscriptions.state, [...LIVE]), lte(subscriptions.endsAt, unit.now)),
          ),
        )
        .limit(SWEEP_MAX);
      for (const row of due) await end(unit, row);
      return due.length;
    });
  }

  /** Whether there is anything for `sweep` to do. */
  async isSweepDue(system: Actor): Promise<boolean> {
    const now = this.#deps.now();
    const [due] = await read(this.#deps, system, (tx) =>
      tx
        .select({ id: subscriptions.id })
        .from(subscriptions)
        .where(
          or(
            and(inArray(subscriptions.state, [...UNDECIDED]), lte(subscriptions.lapsesAt, now)),
            and(inArray(subscriptions.state, [...LIVE]), lte(subscriptions.endsAt, now)),
          ),
        )
        .limit(1),
    );
    return due !== undefined;
  }

  #administer(
    actor: Actor,
    action: 'suspend' | 'resume' | 'revoke',
    { idempotencyKey, ...input }: StepInput,
  ): Promise<Subscription> {
    requirePlatform(actor);
    text('reason', input.reason, REASON_CHARS_MAX);
    return step({ deps: this.#deps, actor }, { action, input, idempotencyKey }, async () => ({}));
  }

  #atNow(row: Subscription): Subscription {
    return { ...row, state: stateAt(row, this.#deps.now()) };
  }
}
