import { type Actor, type MemberRole, requireManager, requirePlatform, requireTenant } from './actor.ts';
import { ControlError, invalidInput } from './control-error.ts';
import type { Transaction } from './database-pool.ts';
import { and, asc, eq, gt, ne } from './drizzle.ts';
import { type Page, type PageInput, paged, pageOf, text, whole } from './input.ts';
import { type Member, members, type Tenant, tenants } from './tables.ts';
import { change, read, type Unit, type UnitDeps } from './unit-of-work.ts';

/** What every change may carry: the same key makes a repeated call the same call. */
export interface Idempotent {
  readonly idempotencyKey?: string | undefined;
}

export interface NewTenant extends Idempotent {
  readonly slug: string;
  readonly name: string;
  readonly retentionDays?: number | undefined;
  /** Subject of the first owner. */
  readonly owner?: string | undefined;
}

const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/u;
const ROLES: ReadonlySet<string> = new Set<MemberRole>([
  ...(['owner', 'admin', 'approver'] as const),
  ...(['developer', 'auditor', 'securityOfficer'] as const),
]);

/** Tenants and their members. */
export class TenantsStore {
  readonly #deps: UnitDeps;

  constructor(deps: UnitDeps) {
    this.#deps = deps;
  }

  /** Throws: FORBIDDEN, INVALID_INPUT, CONFLICT for a slug that is taken. */
  create(actor: Actor, { idempotencyKey, ...input }: NewTenant): Promise<Tenant> {
    requirePlatform(actor);
    if (!SLUG.test(input.slug)) throw invalidInput('slug', 'must be lower-case letters, digits and dashes');
    const name = text('name', input.name, 200);
    const owner = input.owner === undefined ? undefined : text('owner', input.owner, 256);
    const retentionDays = whole('retentionDays', input.retentionDays ?? 365, { min: 1, max: 36_500 });
    return change(this.#deps, actor, { action: 'tenant.create', input, idempotencyKey }, async (unit) => {
      const id = unit.newId('ten');
      const tenant = onlyRow(
        await unit.tx
          .insert(tenants)
          .values({
            ...{ id, slug: input.slug, name, retentionDays },
            ...{ status: 'active', logBodies: 'off', createdAt: unit.now },
          })
          .returning(),
      );
      const after = {
        slug: tenant.slug,
        name,
        status: tenant.status,
        ...(owner === undefined ? {} : { owner }),
      };
      if (owner !== undefined)
        await unit.tx
          .insert(members)
          .values({ tenantId: id, subject: owner, role: 'owner', createdAt: unit.now });
      await unit.record({ action: 'tenant.create', entity: 'tenant', id, tenantId: id, after });
      return tenant;
    });
  }

  /** Null where there is none, or none that the actor may know of. */
  async get(actor: Actor, id: string): Promise<Tenant | null> {
    const [tenant] = await read(this.#deps, actor, (tx) =>
      tx.select().from(tenants).where(eq(tenants.id, id)),
    );
    return tenant ?? null;
  }

  async bySlug(actor: Actor, slug: string): Promise<Tenant | null> {
    const [tenant] = await read(this.#deps, actor, (tx) =>
      tx.select().from(tenants).where(eq(tenants.slug, slug)),
    );
    return tenant ?? null;
  }

  /** Throws: INVALID_INPUT. */
  async list(actor: Actor, page: PageInput): Promise<Page<Tenant>> {
    const { limit, after } = pageOf(page);
    const rows = await read(this.#deps, actor, (tx) =>
      tx.select().from(tenants).where(gt(tenants.id, after)).orderBy(asc(tenants.id)).limit(limit),
    );
    return paged(rows, limit, ({ id }) => id);
  }

  suspend(actor: Actor, id: string, input: { readonly reason: string } & Idempotent): Promise<Tenant> {
    return this.#setStatus(actor, { id, from: 'active', to: 'suspended', action: 'tenant.suspend' }, input);
  }

  resume(actor: Actor, id: string, input: { readonly reason: string } & Idempotent): Promise<Tenant> {
    return this.#setStatus(actor, { id, from: 'suspended', to: 'active', action: 'tenant.resume' }, input);
  }

  #setStatus(
    actor: Actor,
    step: {
      readonly id: string;
      readonly from: Tenant['status'];
      readonly to: Tenant['status'];
      readonly action: string;
    },
    { idempotencyKey, reason }: { readonly reason: string } & Idempotent,
  ): Promise<Tenant> {
    requirePlatform(actor);
    const why = text('reason', reason, 2000);
    const { id, from, to, action } = step;
    return change(this.#deps, actor, { action, input: { id, reason }, idempotencyKey }, async (unit) => {
      const tenant = await tenantIn(unit.tx, id);
      if (tenant.status !== from)
        throw new ControlError({ code: 'INVALID_TRANSITION', state: tenant.status, action });
      const changed = onlyRow(
        await unit.tx
          .update(tenants)
          .set({ status: to, version: tenant.version + 1 })
          .where(eq(tenants.id, id))
          .returning(),
      );
      await unit.record({
        ...{ action, entity: 'tenant', id, tenantId: id },
        ...{ before: { status: from }, after: { status: to, reason: why } },
      });
      return changed;
    });
  }

  /** Adds a member or changes its role. Throws: FORBIDDEN, NOT_FOUND, CONFLICT where no owner would be left. */
  setMember(
    actor: Actor,
    { idempotencyKey, ...input }: Omit<Member, 'createdAt'> & Idempotent,
  ): Promise<Member> {
    const { tenantId, role } = input;
    requireManager(actor, tenantId);
    if (!ROLES.has(role)) throw invalidInput('role', 'is not a role');
    const subject = text('subject', input.subject, 256);
    if (!actor.isPlatform && role === 'owner' && actor.role !== 'owner')
      throw new ControlError({ code: 'FORBIDDEN', reason: 'only an owner makes owners' });
    const action = 'member.set';
    return change(this.#deps, actor, { action, input, idempotencyKey }, async (unit) => {
      await tenantIn(unit.tx, tenantId);
      const before = await memberIn(unit.tx, tenantId, subject);
      if (role !== 'owner') await keepOwner(unit, actor, before);
      const member = onlyRow(
        await unit.tx
          .insert(members)
          .values({ tenantId, subject, role, createdAt: unit.now })
          .onConflictDoUpdate({ target: [members.tenantId, members.subject], set: { role } })
          .returning(),
      );
      await unit.record({
        ...{ action, entity: 'member', id: `${tenantId}/${subject}`, tenantId },
        ...{ ...(before === null ? {} : { before: { role: before.role } }), after: { role } },
      });
      return member;
    });
  }

  /** Throws: FORBIDDEN, NOT_FOUND, CONFLICT where no owner would be left. */
  removeMember(
    actor: Actor,
    { idempotencyKey, ...input }: Pick<Member, 'tenantId' | 'subject'> & Idempotent,
  ): Promise<Member> {
    const { tenantId, subject } = input;
    requireManager(actor, tenantId);
    const action = 'member.remove';
    return change(this.#deps, actor, { action, input, idempotencyKey }, async (unit) => {
      const before = await memberIn(unit.tx, tenantId, subject);
      if (before === null) throw new ControlError({ code: 'NOT_FOUND', entity: 'member' });
      await keepOwner(unit, actor, before);
      await unit.tx.delete(members).where(and(eq(members.tenantId, tenantId), eq(members.subject, subject)));
      await unit.record({
        ...{ action, entity: 'member', id: `${tenantId}/${subject}`, tenantId },
        before: { role: before.role },
      });
      return before;
    });
  }

  /** Throws: NOT_FOUND for another tenant, INVALID_INPUT. */
  async listMembers(actor: Actor, tenantId: string, page: PageInput): Promise<Page<Member>> {
    requireTenant(actor, tenantId);
    const { limit, after } = pageOf(page);
    const rows = await read(this.#deps, actor, (tx) =>
      tx
        .select()
        .from(members)
        .where(and(eq(members.tenantId, tenantId), gt(members.subject, after)))
        .orderBy(asc(members.subject))
        .limit(limit),
    );
    return paged(rows, limit, ({ subject }) => subject);
  }

  /** Role of a subject in a tenant; null where it is no member. */
  roleOf(tenantId: string, subject: string): Promise<MemberRole | null> {
    return this.#deps.database.transact(tenantId, async (tx) => {
      const member = await memberIn(tx, tenantId, subject);
      return member?.role ?? null;
    });
  }
}

/** Throws: NOT_FOUND. */
export async function tenantIn(tx: Transaction, id: string): Promise<Tenant> {
  const [tenant] = await tx.select().from(tenants).where(eq(tenants.id, id));
  if (tenant === undefined) throw new ControlError({ code: 'NOT_FOUND', entity: 'tenant' });
  return tenant;
}

async function memberIn(tx: Transaction, tenantId: string, subject: string): Promise<Member | null> {
  const [member] = await tx
    .select()
    .from(members)
    .where(and(eq(members.tenantId, tenantId), eq(members.subject, subject)));
  return member ?? null;
}

/** Refuses to take away an owner where it is the last, or by who is none. */
async function keepOwner({ tx }: Unit, actor: Actor, member: Member | null): Promise<void> {
  if (member?.role !== 'owner') return;
  if (!actor.isPlatform && actor.role !== 'owner')
    throw new ControlError({ code: 'FORBIDDEN', reason: 'only an owner removes owners' });
  const [other] = await tx
    .select()
    .from(members)
    .where(
      and(
        eq(members.tenantId, member.tenantId),
        eq(members.role, 'owner'),
        ne(members.subject, member.subject),
      ),
    )
    .limit(1);
  if (other === undefined) throw new ControlError({ code: 'CONFLICT', reason: 'a tenant keeps an owner' });
}

/** The one row that a statement gave back. */
export function onlyRow<Row>(rows: readonly Row[]): Row {
  const [row, second] = rows;
  if (row === undefined || second !== undefined) throw new Error(`${rows.length} rows in place of one`);
  return row;
}
