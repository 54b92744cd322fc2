import { and, asc, eq, getTableColumns, gt, ne } from 'drizzle-orm';
import {
  type Actor,
  requireManager,
  requirePlatform,
  requireStepUp,
  requireTenant,
  type StepUpRule,
} from './actor.ts';
import { ControlError, invalidInput } from './control-error.ts';
import { secretDigest } from './credentials-store.ts';
import type { Transaction } from './database-pool.ts';
import { type KeyWrapper, rewrap, type Sealed, seal } from './envelope.ts';
import { type Page, type PageInput, paged, pageOf, text, whole } from './input.ts';
import { type SealedFor, sealedContext } from './sealed-context.ts';
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

export interface NewProviderCredential extends Idempotent {
  /** Whose calls it is for; null for those of every tenant that has none of its own. */
  readonly tenantId: string | null;
  /** Name of the provider in the configuration of the AI subgraph. */
  readonly provider: string;
  readonly secret: string;
  readonly endpoint: string | null;
  readonly priority: number;
  readonly weight: number;
}

/** One that can be opened by who has the master key. */
export type SealedProviderCredential = SealedFor &
  Sealed & { readonly priority: number; readonly weight: number };

const PROVIDER = /^[a-z][a-z0-9-]{0,31}$/u;
const SECRET = /^[\x21-\x7e]{16,1024}$/u;
const ENDPOINT_CHARS_MAX = 512;
/** Live ones of one tenant, or of the platform; reason: the AI subgraph holds them all in memory. */
const LIVE_MAX = 64;
const SEALED_MAX = 10_000;
const {
  keyId: _keyId,
  wrappedKey: _wrapped,
  sealed: _sealed,
  ...SHOWN
} = getTableColumns(providerCredentials);

/** Keys of AI providers. Invariant: secrets go in and never come out; kept sealed, and opened by the AI subgraph alone. */
export class ProviderCredentialsStore {
  readonly #deps: ProviderCredentialDeps;

  constructor(deps: ProviderCredentialDeps) {
    this.#deps = deps;
  }

  /** Throws: FORBIDDEN, NOT_FOUND, STEP_UP_REQUIRED, INVALID_INPUT, CONFLICT without a master key or where too many are live. */
  async create(
    actor: Actor,
    { idempotencyKey, secret, ...input }: NewProviderCredential,
  ): Promise<ProviderCredential> {
    this.#requireChange(actor, input.tenantId);
    const checked = checkedInput(input);
    requireSecret(secret);
    const action = 'providerCredential.create';
    return change(
      this.#deps,
      actor,
      this.#wanted(action, { input, secret, idempotencyKey }),
      async (unit) => {
        const { tenantId, provider, endpoint, priority, weight } = checked;
        const tenant = tenantId === null ? null : (await tenantIn(unit.tx, tenantId)).slug;
        await requireRoom(unit, tenantId);
        const id = unit.newId('pvc');
        const sealed = await this.#seal(secret, { id, tenant, provider, endpoint });
        const row = onlyRow(
          await unit.tx
            .insert(providerCredentials)
            .values({
              ...{ id, tenantId, provider, endpoint, priority, weight, ...sealed, last4: secret.slice(-4) },
              ...{ status: 'active', createdBy: actor.subject, createdAt: unit.now },
            })
            .returning(SHOWN),
        );
        const after = { provider, endpoint, priority, weight, keyId: sealed.keyId };
        await unit.record({ action, entity: 'providerCredential', id, tenantId, after });
        return row;
      },
    );
  }

  /** Another secret in place of the one that is kept; calls that run with the old one end with it. Throws: as `create`. */
  async rotate(
    actor: Actor,
    { idempotencyKey, id, secret }: { readonly id: string; readonly secret: string } & Idempotent,
  ): Promise<ProviderCredential> {
    requireSecret(secret);
    const action = 'providerCredential.rotate';
    const wanted = this.#wanted(action, { input: { id }, secret, idempotencyKey });
    return change(this.#deps, actor, wanted, async (unit) => {
      const row = await this.#changeable(unit, id);
      const tenant = row.tenantId === null ? null : (await tenantIn(unit.tx, row.tenantId)).slug;
      const sealed = await this.#seal(secret, { ...row, tenant });
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
  ): Promise<ProviderCredential> {
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

  /** Puts all under the current master key, so that an older one can go. Throws: FORBIDDEN, STEP_UP_REQUIRED, CONFLICT. */
  async rewrapAll(
    actor: Actor,
    { idempotencyKey }: Idempotent = {},
  ): Promise<{ readonly rewrapped: number }> {
    this.#requireChange(actor, null);
    const action = 'providerCredential.rewrap';
    return change(this.#deps, actor, { action, input: null, idempotencyKey }, async (unit) => {
      const wrapper = this.#wrapper();
      const { keyId: current } = await wrapper.wrap(this.#deps.randomBytes(32));
      const rows = await unit.tx
        .select()
        .from(providerCredentials)
        .where(ne(providerCredentials.keyId, current))
        .limit(SEALED_MAX);
      for (const row of rows) {
        const { keyId, wrappedKey } = await rewrap(row, wrapper);
        await this.#update(unit, row, { action, set: { keyId, wrappedKey }, after: { keyId } });
      }
      return { rewrapped: rows.length };
    });
  }

  /** Oldest first, without their secrets. Throws: NOT_FOUND, INVALID_INPUT. */
  async list(
    actor: Actor,
    { tenantId, ...page }: PageInput & { readonly tenantId?: string | undefined },
  ): Promise<Page<ProviderCredential>> {
    if (tenantId !== undefined) requireTenant(actor, tenantId);
    const { limit, after } = pageOf(page);
    const rows = await read(this.#deps, actor, (tx) =>
      tx
        .select(SHOWN)
        .from(providerCredentials)
        .where(
          and(
            gt(providerCredentials.id, after),
            ...(tenantId === undefined ? [] : [eq(providerCredentials.tenantId, tenantId)]),
          ),
        )
        .orderBy(asc(providerCredentials.id))
        .limit(limit),
    );
    return paged(rows, limit, ({ id }) => id);
  }

  /** All that are in use, sealed as they are, for the AI subgraph. Throws: FORBIDDEN. */
  async sealed(actor: Actor): Promise<readonly SealedProviderCredential[]> {
    requirePlatform(actor);
    const { id, provider, endpoint, keyId, wrappedKey, sealed, priority, weight } = providerCredentials;
    return read(this.#deps, actor, (tx) =>
      tx
        .select({ id, tenant: tenants.slug, provider, endpoint, keyId, wrappedKey, sealed, priority, weight })
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

  #seal(secret: string, owner: SealedFor): Promise<Sealed> {
    const { randomBytes } = this.#deps;
    return seal(secret, sealedContext(owner), { wrapper: this.#wrapper(), randomBytes });
  }

  async #changeable({ tx, actor }: Unit, id: string) {
    const [row] = await tx.select().from(providerCredentials).where(eq(providerCredentials.id, id));
    if (row === undefined) throw new ControlError({ code: 'NOT_FOUND', entity: 'providerCredential' });
    this.#requireChange(actor, row.tenantId);
    return row;
  }

  async #update(
    unit: Unit,
    { id, tenantId }: Pick<ProviderCredential, 'id' | 'tenantId'>,
    {
      action,
      set,
      after,
    }: { action: string; set: Partial<typeof providerCredentials.$inferInsert>; after: object },
  ): Promise<ProviderCredential> {
    const updated = unit.tx.update(providerCredentials).set(set).where(eq(providerCredentials.id, id));
    const row = onlyRow(await updated.returning(SHOWN));
    await unit.record({ action, entity: 'providerCredential', id, tenantId, after: { ...after } });
    return row;
  }
}

function checkedInput(input: Omit<NewProviderCredential, 'secret' | 'idempotencyKey'>) {
  if (!PROVIDER.test(input.provider)) throw invalidInput('provider', 'must be the name of a provider');
  whole('priority', input.priority, { min: 0, max: 100 });
  whole('weight', input.weight, { min: 0, max: 1000 });
  if (input.endpoint !== null) requireEndpoint(input.endpoint);
  return input;
}

/** Which hosts may be called is for the AI subgraph to say; here is only what an endpoint is. */
function requireEndpoint(endpoint: string): void {
  const url = endpoint.length > ENDPOINT_CHARS_MAX ? null : URL.parse(endpoint);
  const isPlain =
    url !== null && [url.username, url.password, url.search, url.hash].every((part) => part === '');
  if (url?.protocol !== 'https:' || !isPlain)
    throw invalidInput('endpoint', 'must be an https URL without credentials, query and fragment');
}

function requireSecret(secret: string): void {
  if (!SECRET.test(secret)) throw invalidInput('secret', 'must have 16 to 1024 visible characters');
}

/** Throws: CONFLICT where as many are live as can be. */
async function requireRoom({ tx }: { readonly tx: Transaction }, tenantId: string | null): Promise<void> {
  const rows = await tx
    .select({ tenantId: providerCredentials.tenantId })
    .from(providerCredentials)
    .where(eq(providerCredentials.status, 'active'))
    .limit(SEALED_MAX);
  const owned = rows.filter((row) => row.tenantId === tenantId);
  if (rows.length >= SEALED_MAX || owned.length >= LIVE_MAX)
    throw new ControlError({ code: 'CONFLICT', reason: 'there are too many keys of providers' });
}
