import { GatewayError } from '../errors.ts';

/** Why a credential was refused; the closed list that the log and the audit may name. */
export type RefusalReason =
  | 'credential_missing'
  | 'credential_repeated'
  | 'credential_malformed'
  | 'credential_revoked'
  | 'scheme_not_supported'
  | 'api_key_unknown'
  | 'api_key_expired'
  | 'api_key_not_yet_valid'
  | 'token_too_large'
  | 'token_malformed'
  | 'token_expired'
  | 'token_not_yet_valid'
  | 'header_malformed'
  | 'payload_malformed'
  | 'duplicate_member'
  | 'alg_not_allowed'
  | 'key_in_header'
  | 'crit_not_supported'
  | 'b64_not_supported'
  | 'typ_not_allowed'
  | 'kid_invalid'
  | 'issuer_unknown'
  | 'audience_mismatch'
  | 'key_unknown'
  | 'key_ambiguous'
  | 'signature_invalid'
  | 'expiry_missing'
  | ClaimReason;

/** Which claim has a value of the wrong type, size or range. */
export type ClaimReason = `claim_${
  | 'acr'
  | 'amr'
  | 'application'
  | 'aud'
  | 'auth_time'
  | 'client'
  | 'exp'
  | 'iat'
  | 'jti'
  | 'kind'
  | 'nbf'
  | 'roles'
  | 'scopes'
  | 'sub'
  | 'tenant'}_invalid`;

/** RFC 6750 section 3.1: no error code for a caller that sent no usable authentication information. */
const WITHOUT_ERROR_CODE: ReadonlySet<RefusalReason> = new Set([
  'credential_missing',
  'scheme_not_supported',
]);

/**
 * The refusal of a credential: the reason reaches the log and the audit, the client only a challenge.
 * Source: RFC 6750 section 3; a description would tell an attacker which check failed.
 */
export function refusal(reason: RefusalReason, scheme: 'Bearer' | 'ApiKey' = 'Bearer'): GatewayError {
  const isPlain = scheme === 'ApiKey' || WITHOUT_ERROR_CODE.has(reason);
  return new GatewayError('UNAUTHENTICATED', {
    cause: reason,
    challenge: isPlain ? scheme : 'Bearer error="invalid_token"',
    decision: {
      effect: 'deny',
      reasons: [{ rule: `identity.${reason}`, code: 'UNAUTHENTICATED', coordinate: null, path: null }],
    },
  });
}

/** The answer when nobody can say whether the credential is good: not the caller's fault, and never a permit. */
export function keysUnavailable(cause: unknown, retryAfterSeconds: number): GatewayError {
  return new GatewayError('IDENTITY_UNAVAILABLE', {
    cause,
    headers: { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) },
    decision: {
      effect: 'deny',
      reasons: [
        { rule: 'identity.keys_unavailable', code: 'IDENTITY_UNAVAILABLE', coordinate: null, path: null },
      ],
    },
  });
}
