import {
  type Actor,
  requireManager,
  requirePlatform,
  requireStepUp,
  requireTenant,
  type StepUpRule,
} from './actor.ts';
import { ControlError } from './control-error.ts';
import { secretDigest } from './credentials-store.ts';
import { and, asc, eq, getTableColumns, gt, ne } from './drizzle.ts';
import { type KeyWrapper, rewrap, type Sealed, seal } from './envelope.ts';
import { type Page, type PageInput, paged, pageOf, text } from './input.ts';
import {
  checkedProviderCredential,
  type ProviderCredentialInput,
  requireProviderSecret,
} from './provider-credential-input.ts';
import {
  requireRoom,
  SEALED_MAX,
  type ShownProviderCredential,
  withSpent,
} from './provider-credential-rows.ts';
import { type SealedFor, sealedContext } from './sealed-context.ts';
import { checkedSpendCap, type SpendCap } from './spend-cap.ts';
import { type ProviderCredential, providerCredentials, tenants } from './tables.ts';
import { type Idempotent, onlyRow, tenantIn } from './tenants-store.ts';
import { change, read, type Unit, type UnitDeps } from './unit-of-work.ts';

export interface ProviderCredentialDeps extends UnitDeps {
  /** Null where this gateway has no master key: nothing can be sealed then. */
  readonly wrapper: KeyWrapper | null;
  readonly pepper: Uint8Array;
  readonly stepUp: StepUpRule;
  randomBytes(length: number): Uint8Array;
}

export type NewProviderCredential = ProviderCredentialInput & Idempotent & { readonly secret: string };

/** One that can be opened by who has the master key. */
export type SealedProviderCredential = SealedFor &
  Sealed &
  Pick<ProviderCredentialInput, 'priority' | 'weight' | 'spendCap'>;

const {
  keyId: _keyId,
  wrappedKey: _wrapped,
  sealed: _sealed,
  ...SHOWN
} = getTableColumns(providerCredentials);

/**
 * Keys of AI providers. Invariant: secrets go in and never come out; kept sealed, and opened by the AI subgraph alone. No change of the control
 * plane waits for a key service: what it is asked for is had before the change begins.
 */
export class ProviderCredentialsStore {
  readonly #deps: ProviderCredentialDeps;

  constructor(deps: ProviderCredentialDeps) {
    this.#deps = deps;
  }

  /** Throws: FORBIDDEN, NOT_FOUND, STEP_UP_REQUIRED, INVALID_INPUT, CONFLICT without a master key or where too many are live. */
  async create(
    actor: Actor,
    { idempotencyKey, secret, ...input }: NewProviderCredential,
  ): Promise<ShownProviderCredential> {
    this.#requireChange(actor, input.tenantId);
    const checked = checkedProviderCredential(input);
    requireProviderSecret(secret);
    const action = 'providerCredential.create';
    const { tenantId, provider, endpoint, priority, weight, spendCap } = checked;
    const id = this.#deps.newId('pvc');
    const sealed = await this.#seal(actor, secret, { id, tenantId, provider, endpoint });
    return change(
      this.#deps,
      actor,
      this.#wanted(action, { input, secret, idempotencyKey }),
      async (unit) => {
        await requireRoom(unit, tenantId);
        const row = onlyRow(
          await unit.tx
            .insert(providerCredentials)
            .values({
              ...{ id, tenantId, provider, endpoint, priority, weight, spendCap, ...sealed },
              ...{ last4: secret.slice(-4), status: 'active', createdBy: actor.subject, createdAt: unit.now },
            })
            .returning(SHOWN),
        );
        const after = { provider, endpoint, priority, weight, spendCap, keyId: sealed.keyId };
        await unit.record({ action, entity: 'providerCredential', id, tenantId, after });
        return { ...row, spentMicroUsd: spendCap === null ? null : 0 };
      },
    );
  }

  /** Another secret in place of the one that is kept; calls that run with the old one end with it. Throws: as `create`. */
  async rotate(
    actor: Actor,
    { idempotencyKey, id, secret }: { readonly id: string; readonly secret: string } & Idempotent,
  ): Promise<ShownProviderCredential> {
    requireProviderSecret(secret);
    const action = 'providerCredential.rotate';
    const wanted = this.#wanted(action, { input: { id }, secret, idempotencyKey });
    const known = await read(this.#deps, actor, (tx) => this.#changeable({ tx, actor }, id));
    const sealed = await this.#seal(actor, secret, known);
    return change(this.#deps, actor, wanted, async (unit) => {
      const row = await this.#changeable(unit, id);
      const set = { ...sealed, last4: secret.slice(-4), version: row.version + 1, rotatedAt: unit.now };
      return this.#update(unit, row, { action, set, after: { keyId: sealed.keyId } });
    });
  }

  /** Out of use, or in use again. Throws: FORBIDDEN, NOT_FOUND, STEP_UP_REQUIRED, INVALID_INPUT, INVALID_TRANSITION. */
  async setStatus(
    actor: Actor,
    input: {
      readonly id: string;
      readonly status: 'active' | 'disabled';
      readonly reason: string;
    } & Idempotent,
  ): Promise<ShownProviderCredential> {
    const { idempotencyKey, id, status, ...rest } = input;
    const reason = text('reason', rest.reason, 2000);
    const action = status === 'active' ? 'providerCredential.enable' : 'providerCredential.disable';
    return change(this.#deps, actor, { action, input: { id, reason }, idempotencyKey }, async (unit) => {
      const row = await this.#changeable(unit, id);
      if (row.status === status)
        throw new ControlError({ code: 'INVALID_TRANSITION', state: status, action });
      if (status === 'active') await requireRoom(unit, row.tenantId);
      return this.#update(unit, row, { action, set: { status }, after: { reason } });
    });
  }

  /**
   * Another cap of what it may spend, or none; what it has spent in the window counts on. Throws: FORBIDDEN, NOT_FOUND, STEP_UP_REQUIRED,
   * INVALID_INPUT.
   */
  async setSpendCap(
    actor: Actor,
    input: {
      readonly id: string;
      readonly spendCap: SpendCap | null;
      readonly reason: string;
    } & Idempotent,
  ): Promise<ShownProviderCredential> {
    const { idempotencyKey, id } = input;
    const reason = text('reason', input.reason, 2000);
    const spendCap = input.spendCap === null ? null : checkedSpendCap('spendCap', input.spendCap);
    const action = 'providerCredential.setSpendCap';
    const wanted = { action, input: { id, spendCap, reason }, idempotencyKey };
    return change(this.#deps, actor, wanted, async (unit) => {
      const row = await this.#changeable(unit, id);
      const set = { spendCap, version: row.version + 1 };
      return this.#update(unit, row, {
        ...{ action, set, before: { spendCap: row.spendCap }, after: { spendCap, reason } },
      });
    });
  }

  /** Puts all under the current master key, so that an older one can go. Throws: FORBIDDEN, STEP_UP_REQUIRED, CONFLICT. */
  async rewrapAll(
    actor: Actor,
    { idempotencyKey }: Idempotent = {},
  ): Promise<{ readonly rewrapped: number }> {
    this.#requireChange(actor, null);
    const action = 'providerCredential.rewrap';
    const moved = await this.#moved(actor);
    return change(this.#deps, actor, { action, input: null, idempotencyKey }, async (unit) => {
      let rewrapped = 0;
      for (const { row, keyId, wrappedKey } of moved) {
        // One that was rotated meanwhile is under the current key.
        if ((await this.#changeable(unit, row.id)).wrappedKey !== row.wrappedKey) continue;
        await this.#update(unit, row, { action, set: { keyId, wrappedKey }, after: { keyId } });
        rewrapped += 1;
      }
      return { rewrapped };
    });
  }

  /** Those that are not under the current master key, and what they are under it. */
  async #moved(actor: Actor) {
    const wrapper = this.#wrapper();
    const { keyId: current } = await wrapper.wrap(this.#deps.randomBytes(32));
    const rows = await read(this.#deps, actor, (tx) =>
      tx.select().from(providerCredentials).where(ne(providerCredentials.keyId, current)).limit(SEALED_MAX),
    );
    const moved = [];
    for (const row of rows) {
      const { keyId, wrappedKey } = await rewrap(row, wrapper);
      moved.push({ row, keyId, wrappedKey });
    }
    return moved;
  }

  /** Oldest first, without their secrets. Throws: NOT_FOUND, INVALID_INPUT. */
  async list(
    actor: Actor,
    { tenantId, ...page }: PageInput & { readonly tenantId?: string | undefined },
  ): Promise<Page<ShownProviderCredential>> {
    if (tenantId !== undefined) requireTenant(actor, tenantId);
    const { limit, after } = pageOf(page);
    const rows = await read(this.#deps, actor, async (tx) => {
      const found = await tx
        .select(SHOWN)
        .from(providerCredentials)
        .where(
          and(
            gt(providerCredentials.id, after),
            ...(tenantId === undefined ? [] : [eq(providerCredentials.tenantId, tenantId)]),
          ),
        )
        .orderBy(asc(providerCredentials.id))
        .limit(limit);
      return withSpent(tx, found, this.#deps.now());
    });
    return paged(rows, limit, ({ id }) => id);
  }

  /** All that are in use, sealed as they are, for the AI subgraph. Throws: FORBIDDEN. */
  async sealed(actor: Actor): Promise<readonly SealedProviderCredential[]> {
    requirePlatform(actor);
    const { id, provider, endpoint, keyId, wrappedKey, sealed, priority, weight, spendCap } =
      providerCredentials;
    const used = { priority, weight, spendCap };
    return read(this.#deps, actor, (tx) =>
      tx
        .select({ id, tenant: tenants.slug, provider, endpoint, keyId, wrappedKey, sealed, ...used })
        .from(providerCredentials)
        .leftJoin(tenants, eq(tenants.id, providerCredentials.tenantId))
        .where(eq(providerCredentials.status, 'active'))
        .orderBy(asc(id))
        .limit(SEALED_MAX),
    );
  }

  #wanted(
    action: string,
    { input, secret, idempotencyKey }: { input: object; secret: string; idempotencyKey: string | undefined },
  ) {
    // The digest of a call is kept: of a secret, keyed.
    return { action, input: { ...input, secret: secretDigest(secret, this.#deps.pepper) }, idempotencyKey };
  }

  #requireChange(actor: Actor, tenantId: string | null): void {
    if (tenantId === null) requirePlatform(actor);
    else requireManager(actor, tenantId);
    requireStepUp(actor, this.#deps.stepUp, this.#deps.now());
  }

  #wrapper(): KeyWrapper {
    const { wrapper } = this.#deps;
    if (wrapper === null)
      throw new ControlError({ code: 'CONFLICT', reason: 'this gateway has no master key' });
    return wrapper;
  }

  /** Throws: NOT_FOUND, CONFLICT, and what the key service throws. */
  async #seal(
    actor: Actor,
    secret: string,
    { id, tenantId, provider, endpoint }: Omit<SealedFor, 'tenant'> & Pick<ProviderCredential, 'tenantId'>,
  ): Promise<Sealed> {
    const { randomBytes } = this.#deps;
    const wrapper = this.#wrapper();
    const tenant =
      tenantId === null ? null : (await read(this.#deps, actor, (tx) => tenantIn(tx, tenantId))).slug;
    return seal(secret, sealedContext({ id, tenant, provider, endpoint }), { wrapper, randomBytes });
  }

  async #changeable({ tx, actor }: Pick<Unit, 'tx' | 'actor'>, id: string) {
    const [row] = await tx.select().from(providerCredentials).where(eq(providerCredentials.id, id));
    if (row === undefined) throw new ControlError({ code: 'NOT_FOUND', entity: 'providerCredential' });
    this.#requireChange(actor, row.tenantId);
    return row;
  }

  async #update(
    unit: Unit,
    { id, tenantId }: Pick<ProviderCredential, 'id' | 'tenantId'>,
    { action, set, before, after }: Update,
  ): Promise<ShownProviderCredential> {
    const updated = unit.tx.update(providerCredentials).set(set).where(eq(providerCredentials.id, id));
    const row = onlyRow(await updated.returning(SHOWN));
    await unit.record({
      ...{ action, entity: 'providerCredential', id, tenantId, after: { ...after } },
      ...(before === undefined ? {} : { before: { ...before } }),
    });
    return onlyRow(await withSpent(unit.tx, [row], unit.now));
  }
}

/** What changes of one, and how it stands in the history. */
interface Update {
  readonly action: string;
  readonly set: Partial<typeof providerCredentials.$inferInsert>;
  readonly before?: object;
  readonly after: object;
}
