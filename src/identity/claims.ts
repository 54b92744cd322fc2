import { scopesClaim, textClaim, textListClaim, textOrListClaim, timeClaim } from './claim-values.ts';
import type { JwtIssuerOptions } from './identity-options.ts';
import type { Principal, PrincipalKind } from './principal.ts';
import { refusal } from './refusal.ts';

type Claims = Readonly<Record<string, unknown>>;

/** A principal with the times between which its credential holds. Units: seconds since the epoch, tolerance included. */
export interface VerifiedCredential {
  readonly principal: Principal;
  /** First second at which the credential holds. */
  readonly validFromSeconds: number;
  /** First second at which it no longer does; infinite where it never ends. */
  readonly validUntilSeconds: number;
}

export interface ClaimContext {
  readonly issuer: JwtIssuerOptions;
  /** Names the credential where the token has no `jti`. */
  readonly fallbackCredentialId: string;
  readonly nowSeconds: number;
}

/** Longest claim that becomes part of a principal, since they all end in keys, headers and log lines. */
export const CLAIM_CHARS_MAX = {
  subject: 256,
  tenant: 128,
  application: 256,
  jti: 256,
  acr: 256,
  member: 256,
};
/** Most members of a list claim; a token of the default size cannot hold many more. */
export const CLAIM_COUNT_MAX = { scopes: 512, roles: 256, amr: 32 };

const KINDS: ReadonlyMap<string, PrincipalKind> = new Map([
  ['user', 'user'],
  ['service', 'service'],
  ['agent', 'agent'],
]);

/**
 * The principal that verified claims describe.
 * Throws: UNAUTHENTICATED for a claim of the wrong type, size or range: a claim that cannot be read is never skipped,
 * since a token without it could be allowed more.
 */
export function credentialFromClaims(claims: Claims, context: ClaimContext): VerifiedCredential {
  const { issuer } = context;
  const times = readTimes(claims, context);
  const subject = textClaim(claims, {
    name: 'sub',
    charsMax: CLAIM_CHARS_MAX.subject,
    reason: 'claim_sub_invalid',
  });
  if (subject === null) throw refusal('claim_sub_invalid');
  const principal: Principal = Object.freeze({
    kind: kindOf(claims, subject, issuer.claims.kind),
    subject,
    tenant: textClaim(claims, {
      name: issuer.claims.tenant,
      charsMax: CLAIM_CHARS_MAX.tenant,
      reason: 'claim_tenant_invalid',
    }),
    application: textClaim(claims, {
      name: issuer.claims.application,
      charsMax: CLAIM_CHARS_MAX.application,
      reason: 'claim_application_invalid',
    }),
    ...readGrants(claims, issuer),
    ...readAuthentication(claims, context),
    issuer: issuer.issuer,
    credentialId:
      textClaim(claims, { name: 'jti', charsMax: CLAIM_CHARS_MAX.jti, reason: 'claim_jti_invalid' }) ??
      context.fallbackCredentialId,
    expiresAt: times.expiresAt,
  });
  return {
    principal,
    validFromSeconds: (times.notBefore ?? 0) - issuer.clockToleranceSeconds,
    validUntilSeconds: (times.expiresAt ?? Number.POSITIVE_INFINITY) + issuer.clockToleranceSeconds,
  };
}

function readTimes(
  claims: Claims,
  { issuer }: ClaimContext,
): { readonly expiresAt: number | null; readonly notBefore: number | null } {
  const expiresAt = timeClaim(claims, 'exp', 'claim_exp_invalid');
  const notBefore = timeClaim(claims, 'nbf', 'claim_nbf_invalid');
  timeClaim(claims, 'iat', 'claim_iat_invalid');
  if (expiresAt === null && issuer.requireExpiry) throw refusal('expiry_missing');
  return { expiresAt, notBefore };
}

function readGrants(claims: Claims, issuer: JwtIssuerOptions): Pick<Principal, 'scopes' | 'roles'> {
  const charsMax = CLAIM_CHARS_MAX.member;
  const { scopes, roles } = issuer.claims;
  return {
    scopes: scopesClaim(claims, {
      name: scopes,
      charsMax,
      countMax: CLAIM_COUNT_MAX.scopes,
      reason: 'claim_scopes_invalid',
    }),
    roles: new Set(
      textOrListClaim(claims, {
        name: roles,
        charsMax,
        countMax: CLAIM_COUNT_MAX.roles,
        reason: 'claim_roles_invalid',
      }),
    ),
  };
}

function readAuthentication(
  claims: Claims,
  { issuer, nowSeconds }: ClaimContext,
): Pick<Principal, 'acr' | 'amr' | 'authTime'> {
  const authTime = timeClaim(claims, 'auth_time', 'claim_auth_time_invalid');
  // An authentication in the future would stay fresh enough for every step-up until then.
  if (authTime !== null && authTime > nowSeconds + issuer.clockToleranceSeconds) {
    throw refusal('claim_auth_time_invalid');
  }
  const amr = textListClaim(claims, {
    name: 'amr',
    charsMax: CLAIM_CHARS_MAX.member,
    countMax: CLAIM_COUNT_MAX.amr,
    reason: 'claim_amr_invalid',
  });
  return {
    acr: textClaim(claims, { name: 'acr', charsMax: CLAIM_CHARS_MAX.acr, reason: 'claim_acr_invalid' }),
    amr: Object.freeze([...amr]),
    authTime,
  };
}

/** Who acts: what the configured claim says, else a client whose token speaks of itself is a service (RFC 9068 section 2.2). */
function kindOf(claims: Claims, subject: string, kindClaim: string | undefined): PrincipalKind {
  const charsMax = CLAIM_CHARS_MAX.application;
  const clients = ['client_id', 'azp'].map((name) =>
    textClaim(claims, { name, charsMax, reason: 'claim_client_invalid' }),
  );
  const claimed =
    kindClaim === undefined
      ? null
      : textClaim(claims, { name: kindClaim, charsMax, reason: 'claim_kind_invalid' });
  if (claimed === null) return clients.includes(subject) ? 'service' : 'user';
  const kind = KINDS.get(claimed);
  if (kind === undefined) throw refusal('claim_kind_invalid');
  return kind;
}
