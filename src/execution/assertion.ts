import { type CryptoKey, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Principal } from '../identity/principal.ts';

/** How much of the principal a subgraph sees. */
export type IdentityExposure = 'none' | 'tenant' | 'principal';

/** What a subgraph that meters use is told of a caller's budget; the same object while nothing of it changes. */
export type BudgetClaim = object;

export interface AssertionOptions {
  readonly privateKey: CryptoKey;
  readonly keyId: string;
  readonly issuer: string;
  readonly audience: string;
  readonly lifetimeSeconds: number;
}

/** Mints what tells subgraphs who is asking. */
export interface AssertionMinter {
  /**
   * The header's value; at once while a minted one is younger than half its life. A budget is told only with the exposure
   * `principal`.
   */
  assertionFor(
    principal: Principal,
    exposure: IdentityExposure,
    budget?: BudgetClaim | null,
  ): string | Promise<string>;
}

export const ASSERTION_HEADER = 'x-portcullis-assertion';

interface Minted {
  readonly token: string;
  /** Units: seconds since the epoch. */
  readonly mintAgainAt: number;
}

type Claims = Readonly<Record<string, string | number | readonly string[] | BudgetClaim>>;

/** Reason: as many tenants as are active within a half-life; each entry is half a kilobyte. */
const TENANTS_MAX = 10_000;

/**
 * Creates the minter of assertions: compact JWS, EdDSA, once per principal and half-life.
 * Invariant: an assertion never outlives the credential it speaks for, and is never shared wider than it tells.
 */
export function createAssertionMinter(
  options: AssertionOptions,
  deps: { readonly now: () => number },
): AssertionMinter {
  const ofPrincipals = new WeakMap<Principal, MintedOnce>();
  const ofBudgets = new WeakMap<Principal, { readonly budget: BudgetClaim; readonly minted: MintedOnce }>();
  const ofTenants = new LRUCache<string, MintedOnce>({ max: TENANTS_MAX });

  const mint = async (claims: Claims, notAfter: number | null): Promise<Minted> => {
    const now = Math.floor(deps.now() / 1000);
    const expiresAt = Math.min(now + options.lifetimeSeconds, notAfter ?? Number.POSITIVE_INFINITY);
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', kid: options.keyId, typ: 'portcullis-assertion+jwt' })
      .setIssuer(options.issuer)
      .setAudience(options.audience)
      .setIssuedAt(now)
      .setExpirationTime(expiresAt)
      .sign(options.privateKey);
    return { token, mintAgainAt: now + Math.ceil((expiresAt - now) / 2) };
  };

  const withBudget = (principal: Principal, budget: BudgetClaim): MintedOnce => {
    const known = ofBudgets.get(principal);
    if (known?.budget === budget) return known.minted;
    const claims = {
      ...claimsOf(principal, 'principal'),
      budget: { ...budget, credential: credentialOf(principal) },
    };
    const minted = new MintedOnce(() => mint(claims, principal.expiresAt));
    ofBudgets.set(principal, { budget, minted });
    return minted;
  };

  return {
    assertionFor(principal, exposure, budget = null) {
      if (budget !== null && exposure === 'principal')
        return withBudget(principal, budget).token(deps.now() / 1000);
      const { tenant } = principal;
      const tenantKey = exposure === 'none' ? 'none' : tenant === null ? 'no tenant' : `tenant ${tenant}`;
      let minted = exposure === 'principal' ? ofPrincipals.get(principal) : ofTenants.get(tenantKey);
      if (minted === undefined) {
        const notAfter = exposure === 'principal' ? principal.expiresAt : null;
        minted = new MintedOnce(() => mint(claimsOf(principal, exposure), notAfter));
        if (exposure === 'principal') ofPrincipals.set(principal, minted);
        else ofTenants.set(tenantKey, minted);
      }
      return minted.token(deps.now() / 1000);
    },
  };
}

/** One assertion, minted again when half its life is over; callers meanwhile share the one being minted. */
class MintedOnce {
  readonly #mint: () => Promise<Minted>;
  #minted: Minted | null = null;
  #minting: Promise<string> | null = null;

  constructor(mint: () => Promise<Minted>) {
    this.#mint = mint;
  }

  token(nowSeconds: number): string | Promise<string> {
    if (this.#minted !== null && nowSeconds < this.#minted.mintAgainAt) return this.#minted.token;
    this.#minting ??= this.#mint()
      .then((minted) => {
        this.#minted = minted;
        return minted.token;
      })
      .finally(() => {
        this.#minting = null;
      });
    return this.#minting;
  }
}

/** The claims of one exposure; only for `principal` do they name a person or an application. */
function claimsOf(principal: Principal, exposure: IdentityExposure): Claims {
  if (exposure === 'none') return { sub: 'gateway', kind: 'anonymous' };
  const tenant = principal.tenant === null ? {} : { tenant: principal.tenant };
  if (exposure === 'tenant') return { sub: 'tenant', kind: 'anonymous', ...tenant };
  return {
    sub: principal.subject,
    kind: principal.kind,
    ...tenant,
    scope: [...principal.scopes].join(' '),
    ...(principal.application === null ? {} : { client_id: principal.application }),
    ...authenticationOf(principal),
  };
}

/** What a budget of credentials counts by: a key's own id, and the client of tokens, since each of those has an id of its own. */
function credentialOf({ issuer, credentialId, application }: Principal): string | null {
  return issuer === null ? credentialId : application;
}

/** How and when the caller authenticated, as far as its credential says; subgraphs that ask for a step-up judge it. */
function authenticationOf({ acr, amr, authTime }: Principal): Claims {
  return {
    ...(acr === null ? {} : { acr }),
    ...(amr.length === 0 ? {} : { amr }),
    ...(authTime === null ? {} : { auth_time: authTime }),
  };
}
