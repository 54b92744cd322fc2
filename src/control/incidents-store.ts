import { keyOf } from '../incidents/finding.ts';
import {
  type Actor,
  requireObserver,
  requirePlatform,
  requireSecurity,
  requireStepUp,
  requireTenant,
  type StepUpRule,
} from './actor.ts';
import { ControlError } from './control-error.ts';
import { and, desc, eq, inArray, isNotNull, lt, sql } from './drizzle.ts';
import { type IncidentState, type IncidentStep, isClosed, nextIncidentState } from './incident-life.ts';
import {
  contain,
  evidenceOf,
  insert,
  isContained,
  isMuted,
  type NewIncident,
  release,
  sameOpen,
  undo,
  write,
} from './incident-rows.ts';
import { type Page, type PageInput, paged, pageOf, text } from './input.ts';
import { expiredAt, lift } from './restrictions.ts';
import { type Incident, incidents, type Restriction, restrictions } from './tables.ts';
import { type Idempotent, onlyRow } from './tenants-store.ts';
import { change, read, type UnitDeps } from './unit-of-work.ts';

export interface IncidentDeps extends UnitDeps {
  /** What who ends an incident has to have proven. */
  readonly stepUp: StepUpRule;
}

/** What became of a finding. */
export type Opened =
  | { readonly outcome: 'muted' }
  | { readonly outcome: 'opened' | 'seenAgain'; readonly incident: Incident; readonly contained: boolean };

/** Incidents, and what they restrict, stand beside everything else, which their changes leave alone. */
const BY_ITSELF = { input: null, idempotencyKey: undefined, onlyRestricts: true } as const;
/** Expired ones that one change of the sweeper writes down; reason: other changes wait for it. */
const SWEEP_MAX = 50;
const REASON_CHARS_MAX = 2000;

/** Incidents: found by gateways, contained for a time, handled by people. */
export class IncidentsStore {
  readonly #deps: IncidentDeps;

  constructor(deps: IncidentDeps) {
    this.#deps = deps;
  }

  /** Opens an incident or, where one is open for the same, notes that it goes on; contains it anew where nothing does. */
  async open(system: Actor, found: NewIncident): Promise<Opened> {
    requirePlatform(system);
    const known = await this.#goesOn(system, found);
    if (known !== null) return known;
    const wanted = { ...BY_ITSELF, action: 'incident.open' };
    return change(this.#deps, system, wanted, async (unit) => {
      const { rule, culprit } = found.finding;
      // Locked: who only counts it, as above, does not wait for other changes, and would be counted over.
      const [before] = await unit.tx
        .select()
        .from(incidents)
        .where(sameOpen(rule, keyOf(culprit)))
        .for('update');
      if (before === undefined && (await isMuted(unit, found))) return { outcome: 'muted' };
      const incident = before ?? (await insert(unit, found));
      const contained = await contain(unit, incident, found);
      const state = contained ? nextIncidentState(incident.state, 'contain') : incident.state;
      const again = before === undefined ? 0 : 1;
      const row = await write(unit, incident, {
        ...{ state: state ?? incident.state, seenAt: unit.now, times: incident.times + again },
        evidence: evidenceOf(found.finding),
      });
      return { outcome: again === 0 ? 'opened' : 'seenAgain', incident: row, contained };
    });
  }

  /** Somebody looks after it; what restricts goes on. Throws: NOT_FOUND, FORBIDDEN, STEP_UP_REQUIRED, INVALID_TRANSITION. */
  acknowledge(actor: Actor, input: Handling): Promise<Incident> {
    return this.#handle(actor, 'acknowledge', input);
  }

  /** It is over: what it restricts is lifted. Throws: as `acknowledge`. */
  resolve(actor: Actor, input: Handling): Promise<Incident> {
    return this.#handle(actor, 'resolve', input);
  }

  /** It never was one: what it restricts is lifted, and the same is no incident for a time. Throws: as `acknowledge`. */
  falsePositive(actor: Actor, input: Handling): Promise<Incident> {
    return this.#handle(actor, 'falsePositive', input);
  }

  /** Null where there is none, or none that the actor may know of. Throws: FORBIDDEN. */
  async get(actor: Actor, id: string): Promise<Incident | null> {
    requireObserver(actor);
    const [row] = await read(this.#deps, actor, (tx) =>
      tx.select().from(incidents).where(eq(incidents.id, id)),
    );
    return row ?? null;
  }

  /** The newest first. Throws: NOT_FOUND for another tenant, FORBIDDEN, INVALID_INPUT. */
  async list(
    actor: Actor,
    {
      tenantId,
      state,
      rule,
      ...page
    }: PageInput & { readonly [Key in 'tenantId' | 'rule']?: string | undefined } & {
      readonly state?: IncidentState | undefined;
    },
  ): Promise<Page<Incident>> {
    if (tenantId !== undefined) requireTenant(actor, tenantId);
    requireObserver(actor);
    const { limit, after } = pageOf(page);
    const rows = await read(this.#deps, actor, (tx) =>
      tx
        .select()
        .from(incidents)
        .where(
          and(
            ...(after === '' ? [] : [lt(incidents.id, after)]),
            ...(tenantId === undefined ? [] : [eq(incidents.tenantId, tenantId)]),
            ...(state === undefined ? [] : [eq(incidents.state, state)]),
            ...(rule === undefined ? [] : [eq(incidents.rule, rule)]),
          ),
        )
        .orderBy(desc(incidents.id))
        .limit(limit),
    );
    return paged(rows, limit, ({ id }) => id);
  }

  /** What was done by itself about incidents, oldest first. Throws: FORBIDDEN. */
  async actionsOf(actor: Actor, incidentIds: readonly string[]): Promise<readonly Restriction[]> {
    requireObserver(actor);
    return read(this.#deps, actor, (tx) =>
      tx
        .select()
        .from(restrictions)
        .where(inArray(restrictions.incidentId, [...incidentIds]))
        .orderBy(restrictions.id)
        .limit(1000),
    );
  }

  /** Whether anything that an incident restricts has expired and that is not written down. */
  async isSweepDue(system: Actor): Promise<boolean> {
    requirePlatform(system);
    const [row] = await read(this.#deps, system, (tx) =>
      tx
        .select({ id: restrictions.id })
        .from(restrictions)
        .where(and(isNotNull(restrictions.incidentId), expiredAt(this.#deps.now())))
        .limit(1),
    );
    return row !== undefined;
  }

  /** Writes down what has expired: its incident is open again where nobody handles it. No gateway waits for it. */
  sweep(system: Actor): Promise<number> {
    requirePlatform(system);
    return change(this.#deps, system, { ...BY_ITSELF, action: 'incident.release' }, async (unit) => {
      const rows = await unit.tx
        .select()
        .from(restrictions)
        .where(and(isNotNull(restrictions.incidentId), expiredAt(unit.now)))
        .orderBy(restrictions.id)
        .limit(SWEEP_MAX);
      for (const row of rows)
        await lift(unit, row, { at: row.expiresAt ?? unit.now, action: 'restriction.expire' });
      for (const id of new Set(rows.flatMap(({ incidentId }) => incidentId ?? []))) await release(unit, id);
      return rows.length;
    });
  }

  /** Notes that an incident goes on while what contains it is in force, which is no change for any gateway. */
  async #goesOn(system: Actor, { finding, containment, dryRun }: NewIncident): Promise<Opened | null> {
    const { rule, culprit } = finding;
    const now = this.#deps.now();
    return read(this.#deps, system, async (tx) => {
      const [known] = await tx
        .select()
        .from(incidents)
        .where(sameOpen(rule, keyOf(culprit)));
      if (known === undefined) return null;
      const acts = containment !== null && !dryRun;
      if (acts && !(await isContained(tx, known.id, now))) return null;
      const incident = onlyRow(
        await tx
          .update(incidents)
          .set({ seenAt: now, times: sql`${incidents.times} + 1`, evidence: evidenceOf(finding) })
          .where(eq(incidents.id, known.id))
          .returning(),
      );
      return { outcome: 'seenAgain', incident, contained: acts };
    });
  }

  #handle(actor: Actor, step: IncidentStep, { idempotencyKey, ...input }: Handling): Promise<Incident> {
    requireStepUp(actor, this.#deps.stepUp, this.#deps.now());
    const reason = text('reason', input.reason, REASON_CHARS_MAX);
    const action = `incident.${step}`;
    const wanted = { action, input, idempotencyKey, onlyRestricts: true };
    return change(this.#deps, actor, wanted, async (unit) => {
      const [incident] = await unit.tx.select().from(incidents).where(eq(incidents.id, input.id));
      if (incident === undefined) throw new ControlError({ code: 'NOT_FOUND', entity: 'incident' });
      requireSecurity(actor, incident.tenantId);
      const { id, tenantId, state } = incident;
      const next = nextIncidentState(state, step);
      if (next === null) throw new ControlError({ code: 'INVALID_TRANSITION', state, action });
      const closing = isClosed(next);
      if (closing) requireOther(actor, incident);
      if (closing) await undo(unit, id, reason);
      const handled = { state: next, handledBy: actor.subject, ...(closing ? { closedAt: unit.now } : {}) };
      const row = await write(unit, incident, handled);
      const after = { state: next, reason };
      await unit.record({ action, entity: 'incident', id, tenantId, before: { state }, after });
      return row;
    });
  }
}

/** Whom it is about ends no incident: it would lift what holds it, and be overlooked from then on. Throws: FORBIDDEN. */
function requireOther({ isPlatform, subject }: Actor, { culprit }: Incident): void {
  // Staff may share a name with somebody of a tenant.
  if (isPlatform || !('caller' in culprit) || culprit.caller.subject !== subject) return;
  throw new ControlError({ code: 'FORBIDDEN', reason: 'it is about the caller: somebody else ends it' });
}

/** A step that somebody takes. */
export interface Handling extends Idempotent {
  readonly id: string;
  readonly reason: string;
}
