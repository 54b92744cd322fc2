import { GraphQLError } from 'graphql';
import { type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { assertionKeys, KeysUnavailableError } from './assertion-keys.ts';

/** Header in which the gateway says for whom it asks. Lower case, as node:http gives it. */
export const ASSERTION_HEADER = 'x-portcullis-assertion';
const ASSERTION_TYPE = 'portcullis-assertion+jwt';
/** Verified assertions remembered; one per principal in use is enough. */
const CACHE_ENTRIES_MAX = 10_000;
const ASSERTION_CHARACTERS_MAX = 8_192;
/** An assertion older than this is refused, whatever expiry it claims. */
const AGE_SECONDS_MAX = 3_600;

/** Whose assertions a subgraph believes. */
export interface AssertionTrust {
  /** The gateway's public keys, or the URL of its `/.well-known/jwks.json`. */
  readonly jwks: JSONWebKeySet | string;
  /** Default `portcullis`. */
  readonly issuer?: string;
  /** Default `portcullis-subgraphs`. */
  readonly audience?: string;
  /** Default 5: the clocks of two machines differ. */
  readonly clockToleranceSeconds?: number;
  /** Default false. Permits plain HTTP to another machine for the keys. */
  readonly allowInsecureJwks?: boolean;
}

export type SubgraphPrincipalKind = 'user' | 'service' | 'agent' | 'anonymous';

/** For whom the gateway asks, as far as it lets this subgraph see. */
export interface SubgraphPrincipal {
  readonly subject: string;
  /** Null where the caller has none or the gateway withholds it. */
  readonly tenant: string | null;
  readonly scopes: ReadonlySet<string>;
  readonly clientId: string | null;
  readonly kind: SubgraphPrincipalKind;
  /** Authentication context class, as the caller's credential says; null where it says none. */
  readonly acr: string | null;
  /** Authentication methods of RFC 8176; empty where the credential says none. */
  readonly amr: readonly string[];
  /** When the caller last authenticated; null where the credential does not say. Units: seconds since the epoch. */
  readonly authTime: number | null;
  /** What the gateway says of the caller's budget, unread; null where it says nothing. */
  readonly budget: unknown;
}

/** Takes every value of the assertion header; Throws: GraphQLError `UNAUTHENTICATED` or `IDENTITY_UNAVAILABLE`. */
export type VerifyAssertion = (values: readonly string[]) => Promise<SubgraphPrincipal>;

/**
 * Verifies the assertions of one gateway and remembers the good ones, by their text, until they expire.
 * Units: `nowMs` is milliseconds since the epoch.
 * Source: RFC 8725 (algorithm allow list, explicit type, issuer and audience); nothing in a header chooses the key but `kid`.
 */
export function createAssertionVerifier(
  trust: AssertionTrust,
  nowMs: () => number = Date.now,
): VerifyAssertion {
  const allowInsecureJwks = trust.allowInsecureJwks ?? false;
  const keys = assertionKeys({ jwks: trust.jwks, allowInsecureJwks, nowMs });
  const verified = new LRUCache<string, { principal: SubgraphPrincipal; expiresAtMs: number }>({
    max: CACHE_ENTRIES_MAX,
  });
  const verify = async (text: string): Promise<JWTPayload> => {
    try {
      const { payload } = await jwtVerify(text, keys, {
        algorithms: ['EdDSA'],
        typ: ASSERTION_TYPE,
        issuer: trust.issuer ?? 'portcullis',
        audience: trust.audience ?? 'portcullis-subgraphs',
        clockTolerance: trust.clockToleranceSeconds ?? 5,
        maxTokenAge: AGE_SECONDS_MAX,
        requiredClaims: ['sub', 'exp', 'kind'],
        currentDate: new Date(nowMs()),
      });
      return payload;
    } catch (error) {
      throw error instanceof KeysUnavailableError ? unavailable(error) : unauthenticated(error);
    }
  };
  return async (values) => {
    const [text] = values;
    if (text === undefined || values.length > 1 || text.length > ASSERTION_CHARACTERS_MAX)
      throw unauthenticated();
    const known = verified.get(text);
    if (known !== undefined && nowMs() < known.expiresAtMs) return known.principal;
    verified.delete(text);
    const payload = await verify(text);
    const principal = readPrincipal(payload);
    verified.set(text, { principal, expiresAtMs: endOf(payload) * 1_000 });
    return principal;
  };
}

// Both claims were checked to be there; without one the assertion would not be remembered at all.
function endOf({ exp = 0, iat = 0 }: JWTPayload): number {
  return Math.min(exp, iat + AGE_SECONDS_MAX);
}

function readPrincipal(payload: JWTPayload): SubgraphPrincipal {
  const { sub, tenant = null, scope = '', client_id: clientId = null, kind, budget = null } = payload;
  if (typeof sub !== 'string' || sub === '' || typeof scope !== 'string') throw unauthenticated();
  if (!isKind(kind) || !isNameOrNull(tenant) || !isNameOrNull(clientId)) throw unauthenticated();
  const scopes = new Set(scope.split(' ').filter((name) => name !== ''));
  const authentication = readAuthentication(payload);
  return Object.freeze({ subject: sub, tenant, scopes, clientId, kind, ...authentication, budget });
}

type Authentication = Pick<SubgraphPrincipal, 'acr' | 'amr' | 'authTime'>;

function readAuthentication({
  acr = null,
  amr = [],
  auth_time: authTime = null,
}: JWTPayload): Authentication {
  if (!isNameOrNull(acr) || !isNames(amr) || !isTimeOrNull(authTime)) throw unauthenticated();
  return { acr, amr: Object.freeze([...amr]), authTime };
}

function isKind(value: unknown): value is SubgraphPrincipalKind {
  return value === 'user' || value === 'service' || value === 'agent' || value === 'anonymous';
}

function isNameOrNull(value: unknown): value is string | null {
  return value === null || (typeof value === 'string' && value !== '');
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== '');
}

function isTimeOrNull(value: unknown): value is number | null {
  return value === null || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0);
}

// One text for every fault: which check failed would help only somebody who is not the gateway.
function unauthenticated(cause?: unknown): GraphQLError {
  return refusal('This service answers only to its gateway.', {
    code: 'UNAUTHENTICATED',
    status: 401,
    cause,
  });
}

function unavailable(cause: unknown): GraphQLError {
  return refusal('The gateway cannot be verified right now.', {
    code: 'IDENTITY_UNAVAILABLE',
    status: 503,
    cause,
  });
}

function refusal(message: string, detail: { code: string; status: number; cause: unknown }): GraphQLError {
  const error = new GraphQLError(message, {
    extensions: { code: detail.code, http: { status: detail.status } },
  });
  error.cause = detail.cause;
  return error;
}
