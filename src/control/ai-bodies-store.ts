import { type Actor, requireSecurity, requireStepUp, requireTenant, type StepUpRule } from './actor.ts';
import { aiBodyContext } from './ai-body-context.ts';
import { ControlError } from './control-error.ts';
import type { Transaction } from './database-pool.ts';
import { eq, sql } from './drizzle.ts';
import { type KeyWrapper, unseal } from './envelope.ts';
import { type Page, type PageInput, paged, pageOf, text } from './input.ts';
import { type Tenant, tenants } from './tables.ts';
import { type Idempotent, onlyRow, tenantIn } from './tenants-store.ts';
import { change, read, type UnitDeps } from './unit-of-work.ts';

export interface AiBodyDeps extends UnitDeps {
  /** Null where this gateway has no master key: nothing can be opened then. */
  readonly wrapper: KeyWrapper | null;
  readonly stepUp: StepUpRule;
}

/** A question and its answer, without what they say. Units: milliseconds since the epoch. */
export interface AiBody {
  readonly id: string;
  readonly tenantId: string;
  readonly applicationId: string | null;
  readonly subject: string;
  readonly field: string;
  readonly model: string;
  readonly mode: 'redacted' | 'full';
  readonly at: number;
  readonly expiresAt: number;
}

/** One as it is kept. */
export interface SealedBodyRow extends AiBody {
  readonly keyId: string;
  readonly wrappedKey: string;
  readonly sealed: string;
}

/** Of a body, without what it says. */
export const BODY_COLUMNS = sql`id, tenant_id AS "tenantId", application_id AS "applicationId", subject, field, model, mode,
  (extract(epoch FROM at) * 1000)::float8 AS at, (extract(epoch FROM expires_at) * 1000)::float8 AS "expiresAt"`;

/** What it says, sealed. */
export const SEALED_COLUMNS = sql`key_id AS "keyId", wrapped_key AS "wrappedKey", sealed`;

/** Questions to AI models and their answers, of tenants that keep them. Invariant: nobody reads one without leaving a record of it. */
export class AiBodiesStore {
  readonly #deps: AiBodyDeps;

  constructor(deps: AiBodyDeps) {
    this.#deps = deps;
  }

  /** Whether and how a tenant's are kept from now on. Throws: FORBIDDEN, NOT_FOUND, STEP_UP_REQUIRED, INVALID_INPUT. */
  async setMode(
    actor: Actor,
    input: {
      readonly tenantId: string;
      readonly logBodies: Tenant['logBodies'];
      readonly reason: string;
    } & Idempotent,
  ): Promise<Tenant> {
    const { idempotencyKey, tenantId, logBodies } = input;
    const reason = text('reason', input.reason, 2000);
    this.#require(actor, tenantId);
    const action = 'tenant.logBodies';
    const wanted = { action, input: { tenantId, logBodies, reason }, idempotencyKey };
    return change(this.#deps, actor, wanted, async (unit) => {
      const tenant = await tenantIn(unit.tx, tenantId);
      const set = { logBodies, version: tenant.version + 1 };
      const updated = unit.tx.update(tenants).set(set).where(eq(tenants.id, tenantId));
      const changed = onlyRow(await updated.returning());
      await unit.record({
        ...{ action, entity: 'tenant', id: tenantId, tenantId },
        ...{ before: { logBodies: tenant.logBodies }, after: { logBodies, reason } },
      });
      return changed;
    });
  }

  /** Newest first, without what they say. Throws: FORBIDDEN, NOT_FOUND, INVALID_INPUT. */
  async list(
    actor: Actor,
    { tenantId, ...page }: PageInput & { readonly tenantId: string },
  ): Promise<Page<AiBody>> {
    requireSecurity(actor, tenantId);
    const { limit, after } = pageOf(page);
    const before = after === '' ? sql`` : sql`AND id < ${after}`;
    const { rows } = await read(this.#deps, actor, (tx) =>
      tx.execute<AiBody & Record<string, unknown>>(
        sql`SELECT ${BODY_COLUMNS} FROM ai_bodies WHERE tenant_id = ${tenantId} AND expires_at > ${timeOf(this.#deps.now())} ${before}
          ORDER BY id DESC LIMIT ${limit}`,
      ),
    );
    return paged<AiBody>(rows, limit, ({ id }) => id);
  }

  /**
   * What was asked and answered, once it is written down who reads it and why; sent again, it is read again.
   * Throws: FORBIDDEN, NOT_FOUND, STEP_UP_REQUIRED, INVALID_INPUT, CONFLICT where it does not open here.
   */
  async open(
    actor: Actor,
    input: { readonly id: string; readonly reason: string },
  ): Promise<AiBody & { readonly text: string }> {
    const reason = text('reason', input.reason, 2000);
    // Without a key of its own: what is answered under one is remembered.
    const wanted = { action: 'aiBody.read', input: null, idempotencyKey: undefined };
    const row = await read(this.#deps, actor, (tx) => bodyIn(tx, input.id, this.#deps.now()));
    this.#require(actor, row.tenantId);
    const { keyId, wrappedKey, sealed, ...body } = row;
    // Before the change begins: others would wait for the key service.
    const opened = await this.#unseal({ keyId, wrappedKey, sealed }, body);
    return change(this.#deps, actor, wanted, async ({ tx, record, now }) => {
      const { id, tenantId } = await bodyIn(tx, input.id, now);
      await record({ action: 'aiBody.read', entity: 'aiBody', id, tenantId, after: { reason } });
      return { ...body, text: opened };
    });
  }

  #require(actor: Actor, tenantId: string): void {
    requireTenant(actor, tenantId);
    requireSecurity(actor, tenantId);
    requireStepUp(actor, this.#deps.stepUp, this.#deps.now());
  }

  async #unseal(
    sealed: Pick<SealedBodyRow, 'keyId' | 'wrappedKey' | 'sealed'>,
    body: AiBody,
  ): Promise<string> {
    const { wrapper } = this.#deps;
    if (wrapper === null)
      throw new ControlError({ code: 'CONFLICT', reason: 'this gateway has no master key' });
    try {
      return await unseal(sealed, aiBodyContext(body), wrapper);
    } catch (cause) {
      throw new ControlError(
        { code: 'CONFLICT', reason: 'it does not open with the master keys' },
        { cause },
      );
    }
  }
}

/** Throws: NOT_FOUND for one that has ended, too. */
async function bodyIn(tx: Transaction, id: string, now: number): Promise<SealedBodyRow> {
  const { rows } = await tx.execute<SealedBodyRow & Record<string, unknown>>(
    sql`SELECT ${BODY_COLUMNS}, ${SEALED_COLUMNS} FROM ai_bodies WHERE id = ${id} AND expires_at > ${timeOf(now)}`,
  );
  const [row] = rows;
  if (row === undefined) throw new ControlError({ code: 'NOT_FOUND', entity: 'aiBody' });
  return row;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
