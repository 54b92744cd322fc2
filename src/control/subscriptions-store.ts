import { and, asc, eq, gt, inArray, lte, or } from 'drizzle-orm';
import {
  type Actor,
  requireDeveloper,
  requireManager,
  requirePlatform,
  requireStepUp,
  type StepUpRule,
} from './actor.ts';
import { activeApplicationIn } from './applications-store.ts';
import { ControlError } from './control-error.ts';
import type { Transaction } from './database-pool.ts';
import { optionalText, type Page, type PageInput, paged, pageOf, text } from './input.ts';
import { planIn, productIn } from './products-store.ts';
import { nextState, type SubscriptionAction, type SubscriptionState, stateAt } from './subscription-life.ts';
import { approvals, type Plan, type Product, type Subscription, subscriptions } from './tables.ts';
import { type Idempotent, onlyRow } from './tenants-store.ts';
import { change, read, type Unit, type UnitDeps } from './unit-of-work.ts';

export interface SubscriptionDeps extends UnitDeps {
  /** What deciders have to have proven. */
  readonly stepUp: StepUpRule;
  /** How long a request waits for a decision. */
  readonly requestTtlMs: number;
}

export interface SubscriptionRequest extends Idempotent {
  readonly applicationId: string;
  readonly planId: string;
  readonly reason: string;
}

export interface ApprovalInput extends Idempotent {
  readonly id: string;
  readonly decision: 'approve' | 'reject';
  readonly comment: string;
  /** The request as the decider saw it: what was edited since is not what is approved. */
  readonly requestVersion: number;
}

export interface StepInput extends Idempotent {
  readonly id: string;
  readonly reason: string;
}

const ASKED: SubscriptionState[] = ['PENDING', 'PARTIALLY_APPROVED'];
const LIVE: SubscriptionState[] = ['ACTIVE', 'SUSPENDED'];
const REASON_CHARS_MAX = 2000;
const DAY_MS = 86_400_000;
/** Overdue subscriptions that one change of the sweeper ends. */
const SWEEP_MAX = 500;

/** Subscriptions from request to end; the table of their life decides what is allowed. */
export class SubscriptionsStore {
  readonly #deps: SubscriptionDeps;

  constructor(deps: SubscriptionDeps) {
    this.#deps = deps;
  }

  /** Throws: NOT_FOUND, FORBIDDEN, INVALID_INPUT, CONFLICT where there is a request or a subscription already. */
  submit(actor: Actor, { idempotencyKey, ...input }: SubscriptionRequest): Promise<Subscription> {
    const reason = text('reason', input.reason, REASON_CHARS_MAX);
    const action = 'subscription.submit';
    return change(this.#deps, actor, { action, input, idempotencyKey }, async (unit) => {
      const { tenantId, id: applicationId } = await activeApplicationIn(unit.tx, input.applicationId);
      requireDeveloper(actor, tenantId);
      const { plan, product } = await askable(unit, input.planId);
      const others = await this.#undecidedOrLive(unit, applicationId, product.id);
      if (others.length > 0)
        throw new ControlError({ code: 'CONFLICT', reason: 'there is a request or subscription already' });
      return this.#insert(unit, { tenantId, applicationId, product, plan, reason, supersedes: null, action });
    });
  }

  /** A request for what follows a live subscription. Throws: as `submit`, INVALID_TRANSITION where it is not live. */
  renew(
    actor: Actor,
    {
      idempotencyKey,
      ...input
    }: { readonly id: string; readonly planId: string; readonly reason: string } & Idempotent,
  ): Promise<Subscription> {
    const reason = text('reason', input.reason, REASON_CHARS_MAX);
    const action = 'subscription.renew';
    return change(this.#deps, actor, { action, input, idempotencyKey }, async (unit) => {
      const old = await subscriptionIn(unit.tx, input.id);
      const { tenantId, applicationId } = old;
      requireDeveloper(actor, tenantId);
      await activeApplicationIn(unit.tx, applicationId);
      const state = stateAt(old, unit.now);
      if (!LIVE.includes(state))
        throw new ControlError({ code: 'INVALID_TRANSITION', state, action: 'renew' });
      const { plan, product } = await askable(unit, input.planId);
      const { name } = await productIn(unit.tx, old.productId);
      if (product.name !== name)
        throw new ControlError({ code: 'CONFLICT', reason: 'the plan is of another product' });
      const others = await this.#undecidedOrLive(unit, applicationId, product.id);
      if (others.some(({ id }) => id !== old.id))
        throw new ControlError({ code: 'CONFLICT', reason: 'there is a request already' });
      return this.#insert(unit, {
        tenantId,
        applicationId,
        product,
        plan,
        reason,
        supersedes: old.id,
        action,
      });
    });
  }

  /** Changes a request that nobody decided; what was approved of it before is void. Throws: as `submit`. */
  edit(
    actor: Actor,
    {
      idempotencyKey,
      ...input
    }: { readonly id: string; readonly planId: string; readonly reason: string } & Idempotent,
  ): Promise<Subscription> {
    const reason = text('reason', input.reason, REASON_CHARS_MAX);
    return this.#step(actor, { action: 'edit', input, idempotencyKey }, async (unit, row) => {
      requireDeveloper(actor, row.tenantId);
      const { plan, product } = await askable(unit, input.planId);
      if (product.id !== row.productId)
        throw new ControlError({ code: 'CONFLICT', reason: 'the plan is of another product' });
      const lapsesAt = unit.now + this.#deps.requestTtlMs;
      return { reason, planId: plan.id, requestVersion: row.requestVersion + 1, lapsesAt };
    });
  }

  /**
   * Approves or rejects. Deciders prove a second factor, never decide on their own request, and two of them differ.
   * Throws: FORBIDDEN, STEP_UP_REQUIRED, NOT_FOUND, VERSION_CONFLICT, CONFLICT, INVALID_TRANSITION.
   */
  decide(actor: Actor, { idempotencyKey, ...input }: ApprovalInput): Promise<Subscription> {
    requirePlatform(actor);
    requireStepUp(actor, this.#deps.stepUp, this.#deps.now());
    const comment = optionalText('comment', input.comment, REASON_CHARS_MAX);
    const { decision } = input;
    return this.#step(actor, { action: decision, input, idempotencyKey }, async (unit, row, next) => {
      if (row.requester === actor.subject)
        throw new ControlError({ code: 'FORBIDDEN', reason: 'who asks does not decide' });
      if (row.requestVersion !== input.requestVersion)
        throw new ControlError({ code: 'VERSION_CONFLICT', current: row.requestVersion });
      await recordApproval(unit, row, { decision, comment });
      if (next !== 'ACTIVE') return {};
      return this.#activation(unit, row);
    });
  }

  /** Takes a request back. Throws: NOT_FOUND, FORBIDDEN, INVALID_TRANSITION. */
  withdraw(actor: Actor, { idempotencyKey, ...input }: StepInput): Promise<Subscription> {
    return this.#step(actor, { action: 'withdraw', input, idempotencyKey }, async (_, row) => {
      if (row.requester !== actor.subject) requireManager(actor, row.tenantId);
      else requireDeveloper(actor, row.tenantId);
      return {};
    });
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
    return this.#step(actor, { action: 'cancel', input, idempotencyKey }, async (_, row) => {
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
      applicationId,
      state,
      ...page
    }: PageInput & {
      readonly applicationId?: string | undefined;
      readonly state?: SubscriptionState | undefined;
    },
  ): Promise<Page<Subscription>> {
    const { limit, after } = pageOf(page);
    const wanted = [
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
    return paged(
      rows.map((row) => this.#atNow(row)),
      limit,
      ({ id }) => id,
    );
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
            and(inArray(subscriptions.state, ASKED), lte(subscriptions.lapsesAt, unit.now)),
            and(inArray(subscriptions.state, LIVE), lte(subscriptions.endsAt, unit.now)),
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
            and(inArray(subscriptions.state, ASKED), lte(subscriptions.lapsesAt, now)),
            and(inArray(subscriptions.state, LIVE), lte(subscriptions.endsAt, now)),
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
    return this.#step(actor, { action, input, idempotencyKey }, async () => ({}));
  }

  /** One step of a life: looked up in the table, written with its history, and refused where another was faster. */
  #step(
    actor: Actor,
    step: {
      readonly action: SubscriptionAction;
      readonly input: { readonly id: string; readonly reason?: string };
      readonly idempotencyKey: string | undefined;
    },
    work: (unit: Unit, row: Subscription, next: SubscriptionState) => Promise<Partial<Subscription>>,
  ): Promise<Subscription> {
    const { action, input, idempotencyKey } = step;
    return change(
      this.#deps,
      actor,
      { action: `subscription.${action}`, input, idempotencyKey },
      async (unit) => {
        const row = await subscriptionIn(unit.tx, input.id);
        const { approval } = await productIn(unit.tx, row.productId);
        const state = stateAt(row, unit.now);
        const next = nextState(state, action, approval);
        // Who may not act is told so before what the state is.
        const patch = await work(unit, row, next ?? state);
        if (next === null) throw new ControlError({ code: 'INVALID_TRANSITION', state, action });
        return write(unit, row, { ...patch, state: next }, { action, reason: input.reason });
      },
    );
  }

  /** What makes a request a running subscription; one that it takes the place of ends in the same moment. */
  async #activation(unit: Unit, row: Subscription): Promise<Partial<Subscription>> {
    await activeApplicationIn(unit.tx, row.applicationId);
    const { termDays } = await planIn(unit.tx, row.planId);
    if (row.supersedes !== null) {
      const old = await subscriptionIn(unit.tx, row.supersedes);
      if (LIVE.includes(old.state)) await write(unit, old, { state: 'EXPIRED' }, { action: 'supersede' });
    }
    return { startsAt: unit.now, endsAt: termDays === null ? null : unit.now + termDays * DAY_MS };
  }

  async #insert(
    unit: Unit,
    asked: Pick<Subscription, 'tenantId' | 'applicationId' | 'reason' | 'supersedes'> & {
      readonly product: Product;
      readonly plan: Plan;
      readonly action: string;
    },
  ): Promise<Subscription> {
    const { product, plan, action, ...request } = asked;
    const id = unit.newId('sub');
    const row = onlyRow(
      await unit.tx
        .insert(subscriptions)
        .values({
          ...{ ...request, id, productId: product.id, planId: plan.id, state: 'PENDING' },
          ...{
            requester: unit.actor.subject,
            createdAt: unit.now,
            lapsesAt: unit.now + this.#deps.requestTtlMs,
          },
        })
        .returning(),
    );
    const after = { state: row.state, planId: plan.id, productId: product.id, reason: request.reason };
    await unit.record({ action, entity: 'subscription', id, tenantId: row.tenantId, after });
    if (product.approval !== 'auto') return row;
    const patch = await this.#activation(unit, row);
    return write(unit, row, { ...patch, state: 'ACTIVE' }, { action: 'approve' });
  }

  /** What stands in the way of another request; what time has ended is written down first. */
  async #undecidedOrLive(unit: Unit, applicationId: string, productId: string): Promise<Subscription[]> {
    const rows = await unit.tx
      .select()
      .from(subscriptions)
      .where(
        and(
          eq(subscriptions.applicationId, applicationId),
          eq(subscriptions.productId, productId),
          inArray(subscriptions.state, [...ASKED, ...LIVE]),
        ),
      );
    const standing: Subscription[] = [];
    for (const row of rows) {
      if (stateAt(row, unit.now) === row.state) standing.push(row);
      else await end(unit, row);
    }
    return standing;
  }

  #atNow(row: Subscription): Subscription {
    return { ...row, state: stateAt(row, this.#deps.now()) };
  }
}

/** A published plan of a product that the actor may ask for. Throws: NOT_FOUND, CONFLICT. */
async function askable(
  { tx, actor }: Unit,
  planId: string,
): Promise<{ readonly plan: Plan; readonly product: Product }> {
  const plan = await planIn(tx, planId);
  const product = await productIn(tx, plan.productId);
  const isKnown = actor.isPlatform || (product.visibility === 'public' && product.status !== 'draft');
  if (!isKnown || (plan.status !== 'published' && !actor.isPlatform))
    throw new ControlError({ code: 'NOT_FOUND', entity: 'plan' });
  if (product.status !== 'published' || plan.status !== 'published')
    throw new ControlError({ code: 'CONFLICT', reason: 'the product or plan cannot be asked for' });
  return { plan, product };
}

/** Throws: NOT_FOUND, also for one of another tenant, whose rows the transaction does not see. */
async function subscriptionIn(tx: Transaction, id: string): Promise<Subscription> {
  const [row] = await tx.select().from(subscriptions).where(eq(subscriptions.id, id));
  if (row === undefined) throw new ControlError({ code: 'NOT_FOUND', entity: 'subscription' });
  return row;
}

/** Each subject decides once on a version of a request. Throws: CONFLICT. */
async function recordApproval(
  { tx, actor, now, newId }: Unit,
  { id, tenantId, requestVersion }: Subscription,
  { decision, comment }: { readonly decision: 'approve' | 'reject'; readonly comment: string },
): Promise<void> {
  const mine = { subscriptionId: id, requestVersion, decider: actor.subject };
  const [before] = await tx
    .select({ id: approvals.id })
    .from(approvals)
    .where(
      and(
        eq(approvals.subscriptionId, id),
        eq(approvals.requestVersion, requestVersion),
        eq(approvals.decider, actor.subject),
      ),
    );
  if (before !== undefined && decision === 'approve')
    throw new ControlError({ code: 'CONFLICT', reason: 'the same subject approves once' });
  // Who approved may still reject: the request ends, and its history has both.
  if (before !== undefined) return;
  await tx.insert(approvals).values({
    ...{ ...mine, id: newId('apr'), tenantId, comment, acr: actor.acr, at: now },
    decision: decision === 'approve' ? 'approved' : 'rejected',
    authTime: actor.authTime === null ? null : actor.authTime * 1000,
  });
}

/** Writes down that time has ended a subscription. */
function end(unit: Unit, row: Subscription): Promise<Subscription> {
  const state = stateAt(row, unit.now);
  return write(unit, row, { state }, { action: state === 'LAPSED' ? 'lapse' : 'expire' });
}

async function write(
  unit: Unit,
  row: Subscription,
  patch: Partial<Subscription>,
  { action, reason }: { readonly action: SubscriptionAction; readonly reason?: string | undefined },
): Promise<Subscription> {
  const [changed] = await unit.tx
    .update(subscriptions)
    .set({ ...patch, version: row.version + 1 })
    .where(and(eq(subscriptions.id, row.id), eq(subscriptions.version, row.version)))
    .returning();
  if (changed === undefined) throw new ControlError({ code: 'VERSION_CONFLICT', current: row.version });
  await unit.record({
    ...{ action: `subscription.${action}`, entity: 'subscription', id: row.id, tenantId: row.tenantId },
    before: { state: row.state, planId: row.planId, requestVersion: row.requestVersion },
    after: {
      ...{ state: changed.state, planId: changed.planId, requestVersion: changed.requestVersion },
      ...(reason === undefined ? {} : { reason }),
    },
  });
  return changed;
}
