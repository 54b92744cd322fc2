import { type ErrorDetail, GatewayError } from '../errors.ts';
import type { CredentialDirectory } from './credential-directory.ts';
import type { KeySource } from './key-source.ts';
import { SIGNATURE_ALGORITHMS } from './signature-algorithm.ts';

export interface IdentityOptions {
  /** Whether a request without any credential is the anonymous principal rather than a refusal. */
  readonly anonymous: boolean;
  readonly jwt: readonly JwtIssuerOptions[];
  /** Verified tokens kept; the least recently used go first. */
  readonly tokenCacheMax: number;
  readonly tokenBytesMax: number;
  /** Where API keys are looked up, in this order; absent where none are taken. */
  readonly apiKeys?: readonly CredentialDirectory[];
}

/**
 * One issuer as one kind of token sees it; several entries may share the `issuer`, and the first whose
 * algorithms and audiences fit a token judges it.
 */
export interface JwtIssuerOptions {
  readonly issuer: string;
  readonly keys: KeySource;
  /** One of them must be in `aud`; where none are configured, `aud` is not looked at. */
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  readonly clockToleranceSeconds: number;
  readonly requireExpiry: boolean;
  readonly claims: ClaimNames;
}

/** Where the claims are: a literal name, or a dotted path where no claim of that literal name exists. */
export interface ClaimNames {
  readonly tenant: string;
  readonly scopes: string;
  readonly application: string;
  readonly roles: string;
  readonly kind?: string;
}

/** Source: RFC 2104 section 3, no less than the bytes of the digest. */
const PEPPER_BYTES_MIN = 32;

/**
 * Holds options against what verification relies on, so that a mistake stops the start and not a request.
 * Throws: CONFIG_INVALID with every fault found.
 */
export function checkIdentityOptions(options: IdentityOptions): void {
  const details: ErrorDetail[] = [];
  const expect = (holds: boolean, message: string): void => {
    if (!holds) details.push({ message });
  };
  expect(isCount(options.tokenCacheMax), 'identity.tokenCacheMax must be a positive integer.');
  expect(isCount(options.tokenBytesMax), 'identity.tokenBytesMax must be a positive integer.');
  const peppers = (options.apiKeys ?? []).map(({ pepper }) => pepper.byteLength);
  expect(
    peppers.every((bytes) => bytes >= PEPPER_BYTES_MIN),
    `identity.apiKeys.pepper must have at least ${PEPPER_BYTES_MIN} bytes.`,
  );
  for (const [index, issuer] of options.jwt.entries()) {
    const at = `identity.jwt[${index}]`;
    const { clockToleranceSeconds: tolerance, algorithms, claims } = issuer;
    expect(issuer.issuer !== '', `${at}.issuer must not be empty.`);
    expect(algorithms.length > 0, `${at}.algorithms must not be empty.`);
    expect(
      algorithms.every((name) => SIGNATURE_ALGORITHMS.has(name)),
      `${at}.algorithms may only name ${[...SIGNATURE_ALGORITHMS.keys()].join(', ')}.`,
    );
    expect(!issuer.audiences.includes(''), `${at}.audiences must not contain an empty audience.`);
    expect(
      Number.isSafeInteger(tolerance) && tolerance >= 0,
      `${at}.clockToleranceSeconds must be a non-negative integer.`,
    );
    expect(!Object.values(claims).includes(''), `${at}.claims must not contain an empty name.`);
  }
  if (details.length > 0) throw new GatewayError('CONFIG_INVALID', { details });
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}
