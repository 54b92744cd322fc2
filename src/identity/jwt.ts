import { hash } from 'node:crypto';
import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { credentialFromClaims, type VerifiedCredential } from './claims.ts';
import type { JwtIssuerOptions } from './identity-options.ts';
import type { KeyHeader } from './key-source.ts';
import { type RefusalReason, refusal } from './refusal.ts';
import { readUnverified, type UnverifiedToken } from './unverified-token.ts';

/** The configured issuers by their exact name. */
export type IssuerTable = ReadonlyMap<string, readonly JwtIssuerOptions[]>;

export interface JwtVerification {
  readonly issuers: IssuerTable;
  readonly tokenBytesMax: number;
  readonly nowSeconds: number;
}

/** Longest `aud` list that is looked through. */
export const AUDIENCES_MAX = 64;

/**
 * Verifies a JSON Web Token: form, header, issuer and audience before any cryptography, then the signature and
 * the times, then every claim that becomes part of the principal.
 * Throws: UNAUTHENTICATED, IDENTITY_UNAVAILABLE.
 * Source: RFC 7519 section 7.2, RFC 8725 section 3, RFC 9068 section 4.
 */
export async function verifyJwt(token: string, verification: JwtVerification): Promise<VerifiedCredential> {
  const unverified = readUnverified(token, verification.tokenBytesMax);
  const issuer = issuerFor(unverified, verification.issuers);
  const { nowSeconds } = verification;
  const claims = await verifiedClaims(token, { issuer, header: unverified.header, nowSeconds });
  return credentialFromClaims(claims, {
    issuer,
    fallbackCredentialId: fallbackCredentialId(unverified),
    nowSeconds,
  });
}

/** By the exact text of `iss`: URLs that mean the same are different issuers (RFC 8725 section 3.8). */
function issuerFor({ header, payload }: UnverifiedToken, issuers: IssuerTable): JwtIssuerOptions {
  const named = Object.hasOwn(payload, 'iss') ? payload['iss'] : undefined;
  const candidates = typeof named === 'string' ? issuers.get(named) : undefined;
  if (candidates === undefined) throw refusal('issuer_unknown');
  const byAlgorithm = candidates.filter((candidate) => candidate.algorithms.includes(header.alg));
  if (byAlgorithm.length === 0) throw refusal('alg_not_allowed');
  const audiences = audiencesOf(payload);
  const judge = byAlgorithm.find(
    (candidate) =>
      candidate.audiences.length === 0 ||
      candidate.audiences.some((audience) => audiences.includes(audience)),
  );
  if (judge === undefined) throw refusal('audience_mismatch');
  return judge;
}

function audiencesOf(payload: UnverifiedToken['payload']): readonly string[] {
  const aud = Object.hasOwn(payload, 'aud') ? payload['aud'] : [];
  const list: unknown = typeof aud === 'string' ? [aud] : aud;
  if (
    !Array.isArray(list) ||
    list.length > AUDIENCES_MAX ||
    !list.every((member) => typeof member === 'string')
  ) {
    throw refusal('claim_aud_invalid');
  }
  return list;
}

interface SignatureCheck {
  readonly issuer: JwtIssuerOptions;
  readonly header: KeyHeader;
  readonly nowSeconds: number;
}

async function verifiedClaims(
  token: string,
  { issuer, header, nowSeconds }: SignatureCheck,
): Promise<JWTPayload> {
  const key = await issuer.keys.keyFor(header);
  const options: JWTVerifyOptions = {
    algorithms: [...issuer.algorithms],
    issuer: issuer.issuer,
    clockTolerance: issuer.clockToleranceSeconds,
    currentDate: new Date(nowSeconds * 1000),
  };
  if (issuer.audiences.length > 0) options.audience = [...issuer.audiences];
  try {
    const { payload } = await jwtVerify(token, key, options);
    return payload;
  } catch (error) {
    // Anything else is a fault of ours; it refuses the request too, but not as the caller's.
    if (error instanceof errors.JOSEError) throw refusal(reasonOf(error));
    throw error;
  }
}

/** Jose's errors hold the payload, so they end here and only their reason goes on. */
function reasonOf(error: InstanceType<typeof errors.JOSEError>): RefusalReason {
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature_invalid';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'alg_not_allowed';
  if (error instanceof errors.JWTExpired) return 'token_expired';
  if (!(error instanceof errors.JWTClaimValidationFailed)) return 'token_malformed';
  switch (error.claim) {
    case 'nbf':
      return error.reason === 'check_failed' ? 'token_not_yet_valid' : 'claim_nbf_invalid';
    case 'exp':
      return 'claim_exp_invalid';
    case 'iat':
      return 'claim_iat_invalid';
    case 'iss':
      return 'issuer_unknown';
    case 'aud':
      return 'audience_mismatch';
    default:
      return 'payload_malformed';
  }
}

/**
 * Of what was signed and not of the whole token: an ECDSA signature has a second valid form,
 * and under that the credential must keep its name, or its holder could undo a revocation.
 */
function fallbackCredentialId({ signingInput }: UnverifiedToken): string {
  return `sha256:${hash('sha256', signingInput, 'base64url').slice(0, 16)}`;
}
