import type { EntityJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import type { Principal, PrincipalKind } from '../identity/principal.ts';
import { type CALLER_TYPES, POLICY_NAMESPACE } from './policy-schema.ts';

/** The operation as policies see it. */
export interface PolicyOperation {
  readonly hash: string;
  readonly name: string | null;
  readonly type: string;
}

const CALLER_TYPE: Readonly<Record<PrincipalKind, (typeof CALLER_TYPES)[number]>> = {
  user: 'User',
  service: 'Service',
  agent: 'Agent',
  anonymous: 'Anonymous',
};

/** An entity's identity as data; no text is ever built from it, so that no id can break out of its quotes. */
export function entityUid(type: string, id: string): TypeAndId {
  return { type: `${POLICY_NAMESPACE}::${type}`, id };
}

/**
 * The caller as an entity with its tenant and roles as parents; null where its identity cannot be told apart from
 * another's, and so no policy may be asked about it.
 * Source: `|` in an issuer would let issuer `a|b`, subject `c` pass for issuer `a`, subject `b|c`; unpaired
 * surrogates are not Unicode text and would be replaced on the way to the evaluator.
 */
export function callerEntity(principal: Principal): EntityJson | null {
  const { kind, subject, tenant, application, issuer, acr } = principal;
  const amr = [...principal.amr];
  const scopes = [...principal.scopes];
  const roles = [...principal.roles];
  const optional = Object.entries({ tenant, application, issuer, acr }).filter(isPresent);
  const texts = [subject, ...amr, ...scopes, ...roles, ...optional.map(([, value]) => value)];
  if (issuer?.includes('|') || !texts.every((text) => text.isWellFormed())) return null;
  const authenticated = kind !== 'anonymous';
  const tenants = tenant === null ? [] : [entityUid('Tenant', tenant)];
  return {
    uid: entityUid(CALLER_TYPE[kind], authenticated ? `${issuer ?? ''}|${subject}` : subject),
    attrs: { ...Object.fromEntries(optional), amr, scopes, roles, kind, authenticated },
    parents: [...tenants, ...roles.map((role) => entityUid('Role', role))],
  };
}

/** The operation as an entity. */
export function operationEntity({ hash, name, type }: PolicyOperation): EntityJson {
  return { uid: entityUid('Operation', hash), attrs: name === null ? { type } : { name, type }, parents: [] };
}

function isPresent(entry: [string, string | null]): entry is [string, string] {
  return entry[1] !== null;
}
