import type { OpenCoordinates } from '../../src/control/grants.ts';
import type { ControlSnapshot, ProductFacts, SubscriptionFacts } from '../../src/control/snapshot.ts';
import { ANONYMOUS, type Principal } from '../../src/identity/principal.ts';

export const CLOSED: OpenCoordinates = { open: { coordinates: [], tags: [] }, uncovered: 'deny' };

/** A published product that everybody may see. */
export function product(name: string, part: Partial<ProductFacts>): ProductFacts {
  return {
    id: `prd_${name}`,
    name,
    version: 1,
    coordinates: [],
    tags: [],
    visibility: 'public',
    status: 'published',
    ...part,
  };
}

/** An active subscription of the application app_1 of acme. */
export function subscription(productName: string, part: Partial<SubscriptionFacts> = {}): SubscriptionFacts {
  return {
    id: `sub_${productName}`,
    tenantId: 'ten_acme',
    applicationId: 'app_1',
    productId: `prd_${productName}`,
    planId: 'pln_1',
    state: 'ACTIVE',
    startsAt: 0,
    endsAt: null,
    ...part,
  };
}

/** Two tenants; acme has app_1 with the client id "shop", globex app_2. */
export function snapshot(part: Partial<ControlSnapshot>): ControlSnapshot {
  return {
    version: 1,
    tenants: [
      { id: 'ten_acme', slug: 'acme', status: 'active' },
      { id: 'ten_globex', slug: 'globex', status: 'active' },
    ],
    applications: [
      { id: 'app_1', tenantId: 'ten_acme', environment: 'production', status: 'active' },
      { id: 'app_2', tenantId: 'ten_globex', environment: 'production', status: 'active' },
    ],
    credentials: [
      {
        id: 'crd_1',
        tenantId: 'ten_acme',
        applicationId: 'app_1',
        kind: 'oauthClient',
        prefix: 'shop',
        hash: null,
        scopes: [],
        notBefore: 0,
        expiresAt: null,
        graceUntil: null,
        revokedAt: null,
      },
    ],
    products: [],
    plans: [],
    subscriptions: [],
    ...part,
  };
}

/** Someone who uses an application of a tenant. */
export function caller(tenant: string | null, application: string | null): Principal {
  return { ...ANONYMOUS, kind: 'user', subject: 'ada', tenant, application };
}
