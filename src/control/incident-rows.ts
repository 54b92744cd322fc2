import type { Containment, IncidentAction } from '../incidents/containment.ts';
import { type Finding, keyOf, tenantOf } from '../incidents/finding.ts';
import type { Transaction } from './database-pool.ts';
import { and, eq, gt, isNotNull, isNull } from './drizzle.ts';
import { nextIncidentState } from './incident-life.ts';
import { inForceAt, lift } from './restrictions.ts';
import { type Incident, incidents, restrictions, tenants } from './tables.ts';
import { onlyRow } from './tenants-store.ts';
import type { Unit } from './unit-of-work.ts';

/** What was found, and what is to be done about it. */
export interface NewIncident {
  readonly finding: Finding;
  readonly action: IncidentAction;
  /** What the action restricts; null where it can do nothing about it. */
  readonly containment: Containment | null;
  /** Says what would be done, and does not do it. */
  readonly dryRun: boolean;
  readonly actionMs: number;
  /** Time for which the same is no incident, once it was called a false positive. */
  readonly muteMs: number;
}

/** Restrictions by incidents in force at once; reason: gateways hold them all in memory. */
const IN_FORCE_MAX = 5000;

/** The incident that is open for the same. */
export function sameOpen(rule: string, key: string) {
  return and(eq(incidents.rule, rule), eq(incidents.culpritKey, key), isNull(incidents.closedAt));
}

/** Whether the same was called a false positive a while ago. */
export async function isMuted({ tx, now }: Unit, { finding, muteMs }: NewIncident): Promise<boolean> {
  const [muted] = await tx
    .select({ id: incidents.id })
    .from(incidents)
    .where(
      and(
        ...[eq(incidents.rule, finding.rule), eq(incidents.culpritKey, keyOf(finding.culprit))],
        ...[eq(incidents.state, 'falsePositive'), gt(incidents.closedAt, now - muteMs)],
      ),
    )
    .limit(1);
  return muted !== undefined;
}

/** A new incident, with its history and its notification. */
export async function insert(unit: Unit, { finding, action, dryRun }: NewIncident): Promise<Incident> {
  const { rule, culprit, severity } = finding;
  const id = unit.newId('inc');
  const slug = tenantOf(culprit);
  const [owner] =
    slug === null ? [] : await unit.tx.select({ id: tenants.id }).from(tenants).where(eq(tenants.slug, slug));
  const tenantId = owner?.id ?? null;
  const row = onlyRow(
    await unit.tx
      .insert(incidents)
      .values({
        ...{ id, tenantId, rule, culprit, severity, action, dryRun, culpritKey: keyOf(culprit) },
        ...{ state: 'open', evidence: evidenceOf(finding), openedAt: unit.now, seenAt: unit.now },
      })
      .returning(),
  );
  const after = { rule, severity, action, dryRun, state: 'open' };
  await unit.record({ action: 'incident.open', entity: 'incident', id, tenantId, after });
  return row;
}

/** Restricts what the action says, where it is not restricted by the same incident already. */
export async function contain(unit: Unit, { id, tenantId }: Incident, found: NewIncident): Promise<boolean> {
  const { containment, dryRun, actionMs, finding } = found;
  if (containment === null || dryRun || (await isContained(unit.tx, id, unit.now))) return false;
  const held = await unit.tx
    .select({ id: restrictions.id })
    .from(restrictions)
    .where(and(isNotNull(restrictions.incidentId), inForceAt(unit.now)))
    .limit(IN_FORCE_MAX);
  if (held.length >= IN_FORCE_MAX) return false;
  const ofCallers = typeof containment.target !== 'string';
  const restriction = unit.newId('rst');
  const { kind } = containment;
  const target = typeof containment.target === 'string' ? containment.target : '';
  await unit.tx.insert(restrictions).values({
    ...{ id: restriction, tenantId, kind, target, incidentId: id },
    tenant: 'tenant' in containment ? containment.tenant : null,
    callers: ofCallers ? containment.target : null,
    ...{ reason: `Incident ${id}: ${finding.rule}.`, createdBy: unit.actor.subject },
    ...{ createdAt: unit.now, expiresAt: unit.now + actionMs },
  });
  const after = { incidentId: id, kind, target: containment.target, expiresAt: unit.now + actionMs };
  await unit.record({ action: 'incident.contain', entity: 'restriction', id: restriction, tenantId, after });
  return true;
}

/** Whether an incident restricts anything. */
export async function isContained(tx: Transaction, incidentId: string, now: number): Promise<boolean> {
  const [held] = await tx
    .select({ id: restrictions.id })
    .from(restrictions)
    .where(and(eq(restrictions.incidentId, incidentId), inForceAt(now)))
    .limit(1);
  return held !== undefined;
}

/** Lifts all that an incident restricts. */
export async function undo(unit: Unit, incidentId: string, reason: string): Promise<void> {
  const rows = await unit.tx
    .select()
    .from(restrictions)
    .where(and(eq(restrictions.incidentId, incidentId), isNull(restrictions.liftedAt)));
  for (const row of rows) await lift(unit, row, { at: unit.now, action: 'restriction.undo', reason });
}

/** Opens an incident again that nothing contains any more and nobody handles. */
export async function release(unit: Unit, incidentId: string): Promise<void> {
  const [incident] = await unit.tx.select().from(incidents).where(eq(incidents.id, incidentId));
  if (incident === undefined || (await isContained(unit.tx, incidentId, unit.now))) return;
  const state = nextIncidentState(incident.state, 'release');
  if (state !== null && state !== incident.state) await write(unit, incident, { state });
}

/** Writes an incident as it is from now on. */
export async function write(
  unit: Unit,
  { id, version }: Incident,
  patch: Partial<Incident>,
): Promise<Incident> {
  return onlyRow(
    await unit.tx
      .update(incidents)
      .set({ ...patch, version: version + 1 })
      .where(eq(incidents.id, id))
      .returning(),
  );
}

/** What is kept of a finding. */
export function evidenceOf({ counts, events, operation, coordinate, timeMs }: Finding) {
  return { counts, events, operation, coordinate, at: new Date(timeMs).toISOString() };
}
