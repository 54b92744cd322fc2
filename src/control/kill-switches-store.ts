import {
  type Actor,
  requireObserver,
  requirePlatform,
  requireSecurity,
  requireStepUp,
  requireTenant,
  type StepUpRule,
} from './actor.ts';
import { ControlError, invalidInput } from './control-error.ts';
import { and, asc, eq, gt, isNull } from './drizzle.ts';
import { type Page, type PageInput, paged, pageOf, text, whole } from './input.ts';
import { expiredAt, inForceAt, lift } from './restrictions.ts';
import { type KillSwitch, type Restriction, restrictions } from './tables.ts';
import { type Idempotent, onlyRow, tenantIn } from './tenants-store.ts';
import { change, read, type Unit, type UnitDeps } from './unit-of-work.ts';

export interface KillSwitchDeps extends UnitDeps {
  /** What who switches off or on has to have proven. */
  readonly stepUp: StepUpRule;
}

export interface SwitchOff extends Idempotent {
  readonly kind: SwitchKind;
  /** Empty for all mutations. */
  readonly target: string;
  /** Whose callers it holds for; null for everybody's. */
  readonly tenantId: string | null;
  readonly reason: string;
  /** Null holds until it is switched on. */
  readonly seconds: number | null;
}

type SwitchKind = KillSwitch['kind'];

/** Its changes leave all else alone that gateways need. */
const RESTRICTS = { onlyRestricts: true } as const;
/** What a switch can stand for. */
const KINDS: readonly SwitchKind[] = ['operation', 'field', 'subgraph', 'mutations'];
/** What incidents restrict is theirs: who ends it ends the incident, or it would stay contained by nothing. */
const BY_PEOPLE = isNull(restrictions.incidentId);
/** In force at once for one tenant, or for everybody; reason: gateways hold them all in memory. */
const IN_FORCE_MAX = 100;
/** Expired ones that one change of the sweeper writes down; reason: other changes wait for it. */
const SWEEP_MAX = 50;
const REASON_CHARS_MAX = 2000;
const SECONDS_MAX = 365 * 86_400;

const TARGETS: Readonly<Record<SwitchKind, { readonly pattern: RegExp; readonly form: string }>> = {
  operation: {
    pattern: /^(?:[0-9a-f]{64}|[_A-Za-z][_0-9A-Za-z]{0,255})$/u,
    form: 'must be the hash or the name of an operation',
  },
  field: {
    pattern: /^[_A-Za-z]\w{0,255}(?:\.[_A-Za-z]\w{0,255})?$/u,
    form: 'must be a type or a field, such as Order or Order.total',
  },
  subgraph: { pattern: /^[A-Za-z][\w-]{0,63}$/u, form: 'must be the name of a subgraph' },
  mutations: { pattern: /^$/u, form: 'must be empty for all mutations' },
};

/** Kill switches: parts of the graph that nobody reaches for a time, or nobody of one tenant. */
export class KillSwitchesStore {
  readonly #deps: KillSwitchDeps;

  constructor(deps: KillSwitchDeps) {
    this.#deps = deps;
  }

  /** Throws: FORBIDDEN, STEP_UP_REQUIRED, NOT_FOUND for another tenant, INVALID_INPUT, CONFLICT where too many are in force. */
  switchOff(actor: Actor, { idempotencyKey, ...input }: SwitchOff): Promise<KillSwitch> {
    requireSecurity(actor, input.tenantId);
    requireStepUp(actor, this.#deps.stepUp, this.#deps.now());
    const reason = text('reason', input.reason, REASON_CHARS_MAX);
    const { kind, tenantId, target } = input;
    const { pattern, form } = TARGETS[kind];
    if (!pattern.test(target)) throw invalidInput('target', form);
    if (input.seconds !== null) whole('seconds', input.seconds, { min: 1, max: SECONDS_MAX });
    const action = 'killSwitch.off';
    return change(this.#deps, actor, { action, input, idempotencyKey, ...RESTRICTS }, async (unit) => {
      if (tenantId !== null) await tenantIn(unit.tx, tenantId);
      await requireRoom(unit, tenantId);
      const id = unit.newId('swt');
      const expiresAt = input.seconds === null ? null : unit.now + input.seconds * 1000;
      const row = onlyRow(
        await unit.tx
          .insert(restrictions)
          .values({
            ...{ id, tenantId, kind, target, reason, expiresAt },
            ...{ createdBy: actor.subject, createdAt: unit.now },
          })
          .returning(),
      );
      const after = { kind, target, reason, expiresAt };
      await unit.record({ action, entity: 'killSwitch', id, tenantId, after });
      return asSwitch(row);
    });
  }

  /** Throws: FORBIDDEN, STEP_UP_REQUIRED, NOT_FOUND, INVALID_TRANSITION where it is on already. */
  switchOn(
    actor: Actor,
    { idempotencyKey, ...input }: { readonly id: string; readonly reason: string } & Idempotent,
  ): Promise<KillSwitch> {
    requireStepUp(actor, this.#deps.stepUp, this.#deps.now());
    const reason = text('reason', input.reason, REASON_CHARS_MAX);
    const action = 'killSwitch.on';
    return change(this.#deps, actor, { action, input, idempotencyKey, ...RESTRICTS }, async (unit) => {
      const [row] = await unit.tx
        .select()
        .from(restrictions)
        .where(and(eq(restrictions.id, input.id), BY_PEOPLE));
      if (row === undefined) throw new ControlError({ code: 'NOT_FOUND', entity: 'killSwitch' });
      requireSecurity(actor, row.tenantId);
      if (row.liftedAt !== null || (row.expiresAt !== null && row.expiresAt <= unit.now))
        throw new ControlError({ code: 'INVALID_TRANSITION', state: 'on', action });
      return asSwitch(await lift(unit, row, { at: unit.now, action, reason }));
    });
  }

  /** Oldest first; those of one tenant, or all that the actor may see. Throws: NOT_FOUND, FORBIDDEN, INVALID_INPUT. */
  async list(
    actor: Actor,
    {
      tenantId,
      inForce,
      ...page
    }: PageInput & { readonly tenantId?: string | undefined; readonly inForce?: boolean },
  ): Promise<Page<KillSwitch>> {
    if (tenantId !== undefined) requireTenant(actor, tenantId);
    requireObserver(actor);
    const { limit, after } = pageOf(page);
    const rows = await read(this.#deps, actor, (tx) =>
      tx
        .select()
        .from(restrictions)
        .where(
          and(
            ...[BY_PEOPLE, gt(restrictions.id, after)],
            ...(tenantId === undefined ? [] : [eq(restrictions.tenantId, tenantId)]),
            ...(inForce === true ? [inForceAt(this.#deps.now())] : []),
          ),
        )
        .orderBy(asc(restrictions.id))
        .limit(limit),
    );
    return paged(rows.map(asSwitch), limit, ({ id }) => id);
  }

  /** Whether any has expired and that is not written down. */
  async isSweepDue(actor: Actor): Promise<boolean> {
    requirePlatform(actor);
    const [row] = await read(this.#deps, actor, (tx) =>
      tx
        .select({ id: restrictions.id })
        .from(restrictions)
        .where(and(BY_PEOPLE, expiredAt(this.#deps.now())))
        .limit(1),
    );
    return row !== undefined;
  }

  /** Writes down what has expired; no gateway waits for it. */
  sweep(actor: Actor): Promise<number> {
    requirePlatform(actor);
    const action = 'killSwitch.expire';
    const wanted = { action, input: null, idempotencyKey: undefined, ...RESTRICTS };
    return change(this.#deps, actor, wanted, async (unit) => {
      const rows = await unit.tx
        .select()
        .from(restrictions)
        .where(and(BY_PEOPLE, expiredAt(unit.now)))
        .orderBy(asc(restrictions.id))
        .limit(SWEEP_MAX);
      for (const row of rows) await lift(unit, row, { at: row.expiresAt ?? unit.now, action });
      return rows.length;
    });
  }
}

/** Throws: CONFLICT where as many are in force as can be. */
async function requireRoom({ tx, now }: Unit, tenantId: string | null): Promise<void> {
  const owned = tenantId === null ? isNull(restrictions.tenantId) : eq(restrictions.tenantId, tenantId);
  const held = await tx
    .select({ id: restrictions.id })
    .from(restrictions)
    .where(and(owned, BY_PEOPLE, inForceAt(now)))
    .limit(IN_FORCE_MAX);
  if (held.length >= IN_FORCE_MAX)
    throw new ControlError({ code: 'CONFLICT', reason: 'too much is switched off already' });
}

/** A restriction of one of the kinds above. */
function asSwitch(row: Restriction): KillSwitch {
  const kind = KINDS.find((each) => each === row.kind);
  if (kind === undefined) throw new Error(`a switch of the kind ${row.kind}`);
  return { ...row, kind };
}
