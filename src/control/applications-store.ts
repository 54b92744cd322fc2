import { type Actor, requireDeveloper, requireManager, requirePlatform, requireTenant } from './actor.ts';
import { ControlError } from './control-error.ts';
import type { Transaction } from './database-pool.ts';
import { and, asc, eq, gt, inArray } from './drizzle.ts';
import { type Page, type PageInput, paged, pageOf, text } from './input.ts';
import { type Application, applications } from './tables.ts';
import { type Idempotent, onlyRow, tenantIn } from './tenants-store.ts';
import { change, read, type UnitDeps } from './unit-of-work.ts';

export interface NewApplication extends Idempotent {
  readonly tenantId: string;
  readonly name: string;
  readonly environment: Application['environment'];
}

type Status = Application['status'];

/** From which states a state is reached; archived is never left. */
const STEPS: Readonly<Record<'suspend' | 'resume' | 'archive', { from: readonly Status[]; to: Status }>> = {
  suspend: { from: ['active'], to: 'suspended' },
  resume: { from: ['suspended'], to: 'active' },
  archive: { from: ['active', 'suspended'], to: 'archived' },
};

/** Applications of tenants. */
export class ApplicationsStore {
  readonly #deps: UnitDeps;

  constructor(deps: UnitDeps) {
    this.#deps = deps;
  }

  /** Throws: NOT_FOUND for another tenant, FORBIDDEN, INVALID_INPUT, CONFLICT for a name that is taken. */
  create(actor: Actor, { idempotencyKey, ...input }: NewApplication): Promise<Application> {
    const { tenantId, environment } = input;
    requireDeveloper(actor, tenantId);
    const name = text('name', input.name, 200);
    const action = 'application.create';
    return change(this.#deps, actor, { action, input, idempotencyKey }, async (unit) => {
      await tenantIn(unit.tx, tenantId);
      const id = unit.newId('app');
      const application = onlyRow(
        await unit.tx
          .insert(applications)
          .values({
            ...{ id, tenantId, name, environment },
            ...{ owner: actor.subject, status: 'active', createdAt: unit.now },
          })
          .returning(),
      );
      await unit.record({ action, entity: 'application', id, tenantId, after: { name, environment } });
      return application;
    });
  }

  /** Null where there is none, or none that the actor may know of. */
  async get(actor: Actor, id: string): Promise<Application | null> {
    const [application] = await read(this.#deps, actor, (tx) =>
      tx.select().from(applications).where(eq(applications.id, id)),
    );
    return application ?? null;
  }

  /** Those of a list of ids that the actor may know of, in no order. */
  byIds(actor: Actor, ids: readonly string[]): Promise<readonly Application[]> {
    return read(this.#deps, actor, (tx) =>
      tx
        .select()
        .from(applications)
        .where(inArray(applications.id, [...ids])),
    );
  }

  /** Of one tenant, or of all that the actor may see. Throws: NOT_FOUND for another tenant, INVALID_INPUT. */
  async list(actor: Actor, tenantId: string | null, page: PageInput): Promise<Page<Application>> {
    if (tenantId !== null) requireTenant(actor, tenantId);
    const { limit, after } = pageOf(page);
    const rows = await read(this.#deps, actor, (tx) =>
      tx
        .select()
        .from(applications)
        .where(
          and(
            gt(applications.id, after),
            ...(tenantId === null ? [] : [eq(applications.tenantId, tenantId)]),
          ),
        )
        .orderBy(asc(applications.id))
        .limit(limit),
    );
    return paged(rows, limit, ({ id }) => id);
  }

  /**
   * Suspends, resumes or archives. Who administers the platform suspends and resumes; a tenant archives its own.
   * Throws: NOT_FOUND, FORBIDDEN, INVALID_TRANSITION.
   */
  step(
    actor: Actor,
    {
      idempotencyKey,
      ...input
    }: {
      readonly id: string;
      readonly step: keyof typeof STEPS;
      readonly reason: string;
    } & Idempotent,
  ): Promise<Application> {
    const { id, step } = input;
    if (step !== 'archive') requirePlatform(actor);
    const reason = text('reason', input.reason, 2000);
    const { from, to } = STEPS[step];
    const action = `application.${step}`;
    return change(this.#deps, actor, { action, input, idempotencyKey }, async (unit) => {
      const { tenantId, status, version } = await applicationIn(unit.tx, id);
      requireManager(actor, tenantId);
      if (!from.includes(status))
        throw new ControlError({ code: 'INVALID_TRANSITION', state: status, action });
      const changed = onlyRow(
        await unit.tx
          .update(applications)
          .set({ status: to, version: version + 1 })
          .where(eq(applications.id, id))
          .returning(),
      );
      await unit.record({
        ...{ action, entity: 'application', id, tenantId },
        ...{ before: { status }, after: { status: to, reason } },
      });
      return changed;
    });
  }
}

/** Throws: NOT_FOUND, also for one of another tenant, whose rows the transaction does not see. */
export async function applicationIn(tx: Transaction, id: string): Promise<Application> {
  const [application] = await tx.select().from(applications).where(eq(applications.id, id));
  if (application === undefined) throw new ControlError({ code: 'NOT_FOUND', entity: 'application' });
  return application;
}

/** Throws: NOT_FOUND, CONFLICT where it is not active. */
export async function activeApplicationIn(tx: Transaction, id: string): Promise<Application> {
  const application = await applicationIn(tx, id);
  if (application.status !== 'active')
    throw new ControlError({ code: 'CONFLICT', reason: `the application is ${application.status}` });
  return application;
}
