import type { Actor } from './actor.ts';
import { activeApplicationIn } from './applications-store.ts';
import { ControlError } from './control-error.ts';
import type { Transaction } from './database-pool.ts';
import { and, eq } from './drizzle.ts';
import { planIn, productIn } from './products-store.ts';
import {
  LIVE,
  nextState,
  type SubscriptionAction,
  type SubscriptionState,
  stateAt,
} from './subscription-life.ts';
import { approvals, type Plan, type Product, type Subscription, subscriptions } from './tables.ts';
import { change, type Unit, type UnitDeps } from './unit-of-work.ts';

const DAY_MS = 86_400_000;

/** A published plan of a product that the actor may ask for. Throws: NOT_FOUND, CONFLICT. */
export async function askable(
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
export async function subscriptionIn(tx: Transaction, id: string): Promise<Subscription> {
  const [row] = await tx.select().from(subscriptions).where(eq(subscriptions.id, id));
  if (row === undefined) throw new ControlError({ code: 'NOT_FOUND', entity: 'subscription' });
  return row;
}

/** Each subject decides once on a version of a request. Throws: CONFLICT. */
export async function recordApproval(
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
export function end(unit: Unit, row: Subscription): Promise<Subscription> {
  const state = stateAt(row, unit.now);
  return write(unit, row, { state }, { action: state === 'LAPSED' ? 'lapse' : 'expire' });
}

/** One step as its row, its history and its notification. Throws: VERSION_CONFLICT where another was faster. */
export async function write(
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

/** A step that is asked for. */
export interface Step {
  readonly action: SubscriptionAction;
  readonly input: {
    readonly id: string;
    readonly reason?: string;
    readonly expectedVersion?: number | undefined;
  };
  readonly idempotencyKey: string | undefined;
}

/**
 * One step of a life: looked up in the table of lives, written with its history, refused where another was faster. The work
 * judges the actor and gives what the step changes besides the state.
 * Throws: NOT_FOUND, INVALID_TRANSITION, VERSION_CONFLICT, and what the work throws.
 */
export function step(
  { deps, actor }: { readonly deps: UnitDeps; readonly actor: Actor },
  { action, input, idempotencyKey }: Step,
  work: (unit: Unit, row: Subscription, next: SubscriptionState) => Promise<Partial<Subscription>>,
): Promise<Subscription> {
  return change(deps, actor, { action: `subscription.${action}`, input, idempotencyKey }, async (unit) => {
    const row = await subscriptionIn(unit.tx, input.id);
    const { approval } = await productIn(unit.tx, row.productId);
    const state = stateAt(row, unit.now);
    const next = nextState(state, action, approval);
    // Who may not act is told so before what the state is.
    const patch = await work(unit, row, next ?? state);
    if (input.expectedVersion !== undefined && input.expectedVersion !== row.version)
      throw new ControlError({ code: 'VERSION_CONFLICT', current: row.version });
    if (next === null) throw new ControlError({ code: 'INVALID_TRANSITION', state, action });
    return write(unit, row, { ...patch, state: next }, { action, reason: input.reason });
  });
}

/** What makes a request a running subscription; one that it takes the place of ends in the same moment. */
export async function activation(unit: Unit, row: Subscription): Promise<Partial<Subscription>> {
  await activeApplicationIn(unit.tx, row.applicationId);
  const { termDays } = await planIn(unit.tx, row.planId);
  if (row.supersedes !== null) {
    const old = await subscriptionIn(unit.tx, row.supersedes);
    if (LIVE.includes(old.state)) await write(unit, old, { state: 'EXPIRED' }, { action: 'supersede' });
  }
  return { startsAt: unit.now, endsAt: termDays === null ? null : unit.now + termDays * DAY_MS };
}
