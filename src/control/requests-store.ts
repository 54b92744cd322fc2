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
import { and, eq, inArray } from './drizzle.ts';
import { optionalText, text } from './input.ts';
import { productIn } from './products-store.ts';
import { LIVE, REASON_CHARS_MAX, type SubscriptionState, stateAt, UNDECIDED } from './subscription-life.ts';
import {
  activation,
  askable,
  end,
  recordApproval,
  type Step,
  step,
  subscriptionIn,
  write,
} from './subscription-rows.ts';
import type { StepInput } from './subscriptions-store.ts';
import { type Plan, type Product, type Subscription, subscriptions } from './tables.ts';
import { type Idempotent, onlyRow } from './tenants-store.ts';
import { change, type Unit, type UnitDeps } from './unit-of-work.ts';

export interface RequestDeps extends UnitDeps {
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

/** A request as its author wants it from now on. */
export interface ChangedRequest extends StepInput {
  readonly planId: string;
}

export interface ApprovalInput extends Idempotent {
  readonly id: string;
  readonly decision: 'approve' | 'reject';
  readonly comment: string;
  /** The request as the decider saw it: what was edited since is not what is approved. */
  readonly requestVersion: number;
}

/** Requests for subscriptions, up to their decision. */
export class RequestsStore {
  readonly #deps: RequestDeps;

  constructor(deps: RequestDeps) {
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
  renew(actor: Actor, { idempotencyKey, ...input }: ChangedRequest): Promise<Subscription> {
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
  edit(actor: Actor, { idempotencyKey, ...input }: ChangedRequest): Promise<Subscription> {
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
      return activation(unit, row);
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
    const patch = await activation(unit, row);
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
          inArray(subscriptions.state, [...UNDECIDED, ...LIVE]),
        ),
      );
    const standing: Subscription[] = [];
    for (const row of rows) {
      if (stateAt(row, unit.now) === row.state) standing.push(row);
      else await end(unit, row);
    }
    return standing;
  }

  #step(
    actor: Actor,
    wanted: Step,
    work: (unit: Unit, row: Subscription, next: SubscriptionState) => Promise<Partial<Subscription>>,
  ): Promise<Subscription> {
    return step({ deps: this.#deps, actor }, wanted, work);
  }
}
