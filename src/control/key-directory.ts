import { GatewayError } from '../errors.ts';
import type { ApiKeyRecord, CredentialDirectory } from '../identity/credential-directory.ts';
import type { ControlSnapshot } from './snapshot.ts';

const NONE: readonly ApiKeyRecord[] = Object.freeze([]);

/** The API keys of the control plane, as the last snapshot has them. */
export class KeyDirectory implements CredentialDirectory {
  readonly pepper: Uint8Array;
  readonly #isFresh: () => boolean;
  #keys: ReadonlyMap<string, readonly ApiKeyRecord[]> = new Map();

  /** `isFresh` tells whether what is known still counts. */
  constructor(pepper: Uint8Array, isFresh: () => boolean) {
    this.pepper = pepper;
    this.#isFresh = isFresh;
  }

  /** Takes the keys of a snapshot; those of tenants and applications that are not active are none. */
  replace({ tenants, applications, credentials }: ControlSnapshot): void {
    const slugs = new Map(
      tenants.flatMap(({ id, slug, status }) => (status === 'active' ? [[id, slug]] : [])),
    );
    const active = new Map(
      applications.flatMap(({ id, tenantId, status }) => (status === 'active' ? [[id, tenantId]] : [])),
    );
    const keys = new Map<string, readonly ApiKeyRecord[]>();
    for (const { prefix, hash, kind, applicationId, tenantId, ...credential } of credentials) {
      const tenant = slugs.get(tenantId);
      if (
        kind !== 'apiKey' ||
        hash === null ||
        tenant === undefined ||
        active.get(applicationId) !== tenantId
      )
        continue;
      const { id, scopes, notBefore, expiresAt, graceUntil, revokedAt } = credential;
      const record = {
        ...{ id, hash, tenant, scopes, notBefore, expiresAt, graceUntil, revokedAt },
        ...{ application: applicationId, subject: applicationId, roles: [] },
      };
      keys.set(prefix, [...(keys.get(prefix) ?? NONE), record]);
    }
    this.#keys = keys;
  }

  /** Throws: IDENTITY_UNAVAILABLE while nothing is known, or nothing was heard for too long. */
  find(prefix: string): readonly ApiKeyRecord[] {
    if (!this.#isFresh()) throw new GatewayError('IDENTITY_UNAVAILABLE');
    return this.#keys.get(prefix) ?? NONE;
  }
}
