import { createHmac } from 'node:crypto';
import { type Actor, requireDeveloper } from './actor.ts';
import { activeApplicationIn, applicationIn } from './applications-store.ts';
import { ControlError, invalidInput } from './control-error.ts';
import type { Transaction } from './database-pool.ts';
import { and, asc, eq, getTableColumns, gt, isNull, or } from './drizzle.ts';
import { list, type Page, type PageInput, paged, pageOf, text, whole } from './input.ts';
import { type Credential, credentials } from './tables.ts';
import { type Idempotent, onlyRow } from './tenants-store.ts';
import { change, read, type Unit, type UnitDeps } from './unit-of-work.ts';

export interface CredentialDeps extends UnitDeps {
  /** Keys the digests of secrets: who has the database alone cannot try secrets out. */
  readonly pepper: Uint8Array;
  /** Random bytes from a source that nobody can predict. */
  randomBytes(length: number): Uint8Array;
}

export interface NewApiKey extends Idempotent {
  readonly applicationId: string;
  readonly scopes: readonly string[];
  /** Units: milliseconds since the epoch. */
  readonly expiresAt?: number | undefined;
}

/** A credential with its secret, which is told this once; null where a repeated call asks again. */
export interface IssuedCredential {
  readonly credential: Credential;
  readonly secret: string | null;
}

/** Live credentials of one kind that an application can have: one in use and the one that follows it. */
const LIVE_MAX = 2;
const GRACE_SECONDS_MAX = 30 * 86_400;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/u;
const PREFIX_BYTES = 8;
const SECRET_BYTES = 32;

const { hash: _hash, ...SHOWN } = getTableColumns(credentials);

/** What applications prove themselves with. Secrets are shown once and kept only as keyed digests. */
export class CredentialsStore {
  readonly #deps: CredentialDeps;

  constructor(deps: CredentialDeps) {
    this.#deps = deps;
  }

  /** Throws: NOT_FOUND, FORBIDDEN for scopes the actor lacks, INVALID_INPUT, CONFLICT where two are live. */
  createApiKey(actor: Actor, { idempotencyKey, ...input }: NewApiKey): Promise<IssuedCredential> {
    const scopes = grantable(actor, input.scopes);
    const action = 'credential.create';
    const wanted = { action, input, idempotencyKey, replayed: withoutSecret };
    return change(this.#deps, actor, wanted, async (unit) => {
      const { tenantId, id: applicationId } = await activeApplicationIn(unit.tx, input.applicationId);
      requireDeveloper(actor, tenantId);
      const expiresAt = input.expiresAt ?? null;
      if (expiresAt !== null && !(expiresAt > unit.now))
        throw invalidInput('expiresAt', 'must be in the future');
      await requireRoom(unit, applicationId, 'apiKey');
      return this.#issue(unit, { tenantId, applicationId, scopes, expiresAt, action });
    });
  }

  /** Names the application in tokens of an identity provider. Throws: NOT_FOUND, FORBIDDEN, INVALID_INPUT, CONFLICT. */
  registerOauthClient(
    actor: Actor,
    { idempotencyKey, ...input }: { readonly applicationId: string; readonly clientId: string } & Idempotent,
  ): Promise<Credential> {
    const prefix = text('clientId', input.clientId, 256);
    const action = 'credential.register';
    return change(this.#deps, actor, { action, input, idempotencyKey }, async (unit) => {
      const { tenantId, id: applicationId } = await activeApplicationIn(unit.tx, input.applicationId);
      requireDeveloper(actor, tenantId);
      await requireRoom(unit, applicationId, 'oauthClient');
      const id = unit.newId('crd');
      const credential = onlyRow(
        await unit.tx
          .insert(credentials)
          .values({
            ...{ id, tenantId, applicationId, prefix, kind: 'oauthClient', scopes: [] },
            ...{ notBefore: unit.now, createdAt: unit.now },
          })
          .returning(SHOWN),
      );
      await unit.record({
        action,
        entity: 'credential',
        id,
        tenantId,
        after: { kind: 'oauthClient', prefix },
      });
      return credential;
    });
  }

  /** A new key in place of an old one, which counts for a time of grace. Throws: as `createApiKey`. */
  rotate(
    actor: Actor,
    { idempotencyKey, ...input }: { readonly id: string; readonly graceSeconds: number } & Idempotent,
  ): Promise<IssuedCredential> {
    whole('graceSeconds', input.graceSeconds, { min: 0, max: GRACE_SECONDS_MAX });
    const action = 'credential.rotate';
    const wanted = { action, input, idempotencyKey, replayed: withoutSecret };
    return change(this.#deps, actor, wanted, async (unit) => {
      const old = await credentialIn(unit.tx, input.id);
      const { tenantId, applicationId, kind, scopes, expiresAt } = old;
      requireDeveloper(actor, tenantId);
      await activeApplicationIn(unit.tx, applicationId);
      grantable(actor, scopes);
      if (kind !== 'apiKey') throw invalidInput('id', 'has no secret to rotate');
      if (old.graceUntil !== null || !isLive(old, unit.now))
        throw new ControlError({ code: 'CONFLICT', reason: 'the credential is no longer in use' });
      await requireRoom(unit, applicationId, 'apiKey');
      const graceUntil = unit.now + input.graceSeconds * 1000;
      await unit.tx.update(credentials).set({ graceUntil }).where(eq(credentials.id, old.id));
      const issued = await this.#issue(unit, { tenantId, applicationId, scopes, expiresAt, action });
      await unit.record({
        ...{ action: 'credential.retire', entity: 'credential', id: old.id, tenantId },
        after: { graceUntil },
      });
      return issued;
    });
  }

  /** Takes effect at once, also within a time of grace. Throws: NOT_FOUND, FORBIDDEN, INVALID_TRANSITION. */
  revoke(
    actor: Actor,
    { idempotencyKey, ...input }: { readonly id: string; readonly reason: string } & Idempotent,
  ): Promise<Credential> {
    const reason = text('reason', input.reason, 2000);
    const action = 'credential.revoke';
    return change(this.#deps, actor, { action, input, idempotencyKey }, async (unit) => {
      const { id, tenantId, revokedAt } = await credentialIn(unit.tx, input.id);
      requireDeveloper(actor, tenantId);
      if (revokedAt !== null)
        throw new ControlError({ code: 'INVALID_TRANSITION', state: 'revoked', action });
      const credential = onlyRow(
        await unit.tx
          .update(credentials)
          .set({ revokedAt: unit.now })
          .where(eq(credentials.id, id))
          .returning(SHOWN),
      );
      await unit.record({ action, entity: 'credential', id, tenantId, after: { reason } });
      return credential;
    });
  }

  /** Throws: NOT_FOUND, INVALID_INPUT. */
  list(actor: Actor, applicationId: string, page: PageInput): Promise<Page<Credential>> {
    const { limit, after } = pageOf(page);
    return read(this.#deps, actor, async (tx) => {
      await applicationIn(tx, applicationId);
      const rows = await tx
        .select(SHOWN)
        .from(credentials)
        .where(and(eq(credentials.applicationId, applicationId), gt(credentials.id, after)))
        .orderBy(asc(credentials.id))
        .limit(limit);
      return paged(rows, limit, ({ id }) => id);
    });
  }

  async #issue(
    unit: Unit,
    of: Pick<Credential, 'tenantId' | 'applicationId' | 'scopes' | 'expiresAt'> & { readonly action: string },
  ): Promise<IssuedCredential> {
    const { action, ...owner } = of;
    const prefix = Buffer.from(this.#deps.randomBytes(PREFIX_BYTES)).toString('hex');
    const secret = `pk_${prefix}_${Buffer.from(this.#deps.randomBytes(SECRET_BYTES)).toString('base64url')}`;
    const id = unit.newId('crd');
    const credential = onlyRow(
      await unit.tx
        .insert(credentials)
        .values({
          ...{ ...owner, id, prefix, kind: 'apiKey', hash: secretDigest(secret, this.#deps.pepper) },
          ...{ last4: secret.slice(-4), notBefore: unit.now, createdAt: unit.now },
        })
        .returning(SHOWN),
    );
    await unit.record({
      ...{ action, entity: 'credential', id, tenantId: owner.tenantId },
      after: { kind: 'apiKey', prefix, scopes: owner.scopes, applicationId: owner.applicationId },
    });
    return { credential, secret };
  }
}

/** What is kept of a secret. */
export function secretDigest(secret: string, pepper: Uint8Array): string {
  return createHmac('sha256', pepper).update(secret).digest('base64url');
}

/** Nobody gives a key more than it has; scopes of the control plane itself are for people. */
function grantable(actor: Actor, scopes: readonly string[]): string[] {
  const checked = list('scopes', scopes, { max: 64, pattern: SCOPE });
  const refused = checked.some(
    (scope) => scope.startsWith('portcullis:') || !(actor.isPlatform || actor.scopes.has(scope)),
  );
  if (refused)
    throw new ControlError({ code: 'FORBIDDEN', reason: 'a key gets only scopes that its maker has' });
  return checked;
}

function withoutSecret({ credential }: IssuedCredential): IssuedCredential {
  return { credential, secret: null };
}

async function credentialIn(tx: Transaction, id: string): Promise<Credential> {
  const [credential] = await tx.select(SHOWN).from(credentials).where(eq(credentials.id, id));
  if (credential === undefined) throw new ControlError({ code: 'NOT_FOUND', entity: 'credential' });
  return credential;
}

function isLive({ revokedAt, expiresAt, graceUntil }: Credential, now: number): boolean {
  return (
    revokedAt === null && (expiresAt === null || expiresAt > now) && (graceUntil === null || graceUntil > now)
  );
}

/** Throws: CONFLICT where an application has as many live credentials of a kind as it can. */
async function requireRoom(
  { tx, now }: Unit,
  applicationId: string,
  kind: Credential['kind'],
): Promise<void> {
  const live = await tx
    .select({ id: credentials.id })
    .from(credentials)
    .where(
      and(
        eq(credentials.applicationId, applicationId),
        eq(credentials.kind, kind),
        isNull(credentials.revokedAt),
        or(isNull(credentials.expiresAt), gt(credentials.expiresAt, now)),
        or(isNull(credentials.graceUntil), gt(credentials.graceUntil, now)),
      ),
    )
    .limit(LIVE_MAX);
  if (live.length >= LIVE_MAX)
    throw new ControlError({ code: 'CONFLICT', reason: 'two are live already: revoke one first' });
}
