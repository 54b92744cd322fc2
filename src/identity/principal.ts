export type PrincipalKind = 'user' | 'service' | 'agent' | 'anonymous';

/**
 * Who is asking, as a verified credential says; the tenant never comes from anywhere else.
 * Invariant: frozen, and the same object for every request with the same credential, so that it can key caches.
 */
export interface Principal {
  readonly kind: PrincipalKind;
  readonly subject: string;
  readonly tenant: string | null;
  readonly application: string | null;
  readonly scopes: ReadonlySet<string>;
  readonly roles: ReadonlySet<string>;
  readonly acr: string | null;
  readonly amr: readonly string[];
  /** When the subject last authenticated. Units: seconds since the epoch. */
  readonly authTime: number | null;
  readonly issuer: string | null;
  /** Names the credential in the audit without being usable as one: a `jti` or a digest. */
  readonly credentialId: string | null;
  /** Units: seconds since the epoch. */
  readonly expiresAt: number | null;
}

export const ANONYMOUS: Principal = Object.freeze({
  kind: 'anonymous',
  subject: 'anonymous',
  tenant: null,
  application: null,
  scopes: new Set<string>(),
  roles: new Set<string>(),
  acr: null,
  amr: Object.freeze([]),
  authTime: null,
  issuer: null,
  credentialId: null,
  expiresAt: null,
});
