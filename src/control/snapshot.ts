import type { CallerTarget } from '../incidents/containment.ts';
import type { AiLimits } from './ai-limits.ts';

/** A tenant as gateways see it. Tokens name it by its slug. */
export interface TenantFacts {
  readonly id: string;
  readonly slug: string;
  readonly status: 'active' | 'suspended' | 'closing';
}

/** An application as gateways see it. */
export interface ApplicationFacts {
  readonly id: string;
  readonly tenantId: string;
  readonly environment: 'production' | 'sandbox';
  readonly status: 'active' | 'suspended' | 'archived';
}

/**
 * What an application proves itself with; tokens name an application by the prefix of its `oauthClient` credential.
 * Units: times in milliseconds since the epoch.
 */
export interface CredentialFacts {
  readonly id: string;
  readonly tenantId: string;
  readonly applicationId: string;
  readonly kind: 'apiKey' | 'oauthClient' | 'mtls' | 'dpopJwk';
  readonly prefix: string;
  /** HMAC-SHA-256 of the secret under the server's pepper, base64url; null where the kind has no secret. */
  readonly hash: string | null;
  readonly scopes: readonly string[];
  readonly notBefore: number;
  readonly expiresAt: number | null;
  /** End of the time in which a credential that was rotated still counts; null where it was not rotated. */
  readonly graceUntil: number | null;
  readonly revokedAt: number | null;
}

/** A product: a part of the graph by coordinates and by `@tag`. */
export interface ProductFacts {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  /** `Type` or `Type.field`. */
  readonly coordinates: readonly string[];
  readonly tags: readonly string[];
  readonly visibility: 'public' | 'private';
  readonly status: 'draft' | 'published' | 'deprecated' | 'retired';
}

/** A subscription in a state that may grant something. Units: times in milliseconds since the epoch. */
export interface SubscriptionFacts {
  readonly id: string;
  readonly tenantId: string;
  readonly applicationId: string;
  readonly productId: string;
  readonly planId: string;
  readonly state: 'ACTIVE' | 'SUSPENDED';
  readonly startsAt: number;
  readonly endsAt: number | null;
}

/** A published plan, with what it limits. */
export interface PlanFacts {
  readonly id: string;
  readonly limits: {
    readonly rate?: { readonly points: number; readonly burst: number };
    readonly costPerOperation?: number;
    readonly ai?: AiLimits;
  };
}

/** Something that is switched off. Units: times in milliseconds since the epoch. */
export interface SwitchFacts {
  readonly id: string;
  readonly kind: 'operation' | 'field' | 'subgraph' | 'mutations';
  /** Hash or name of an operation, `Type` or `Type.field`, name of a subgraph; empty for all mutations. */
  readonly target: string;
  /** Slug of the tenant whose callers it holds for; null where it holds for all. */
  readonly tenant: string | null;
  /** Null where it holds until somebody switches it on. */
  readonly expiresAt: number | null;
}

/** Callers that an incident restrains for a time. Units: times in milliseconds since the epoch. */
export interface RestraintFacts {
  readonly id: string;
  readonly kind: 'throttle' | 'stepUp' | 'suspend';
  /** Who is all of what is given. */
  readonly callers: CallerTarget;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** What gateways need of the control plane but for what is restricted, read in one transaction. */
export interface ControlSnapshot {
  /** Grows with every change but those that only restrict. */
  readonly version: number;
  readonly tenants: readonly TenantFacts[];
  readonly applications: readonly ApplicationFacts[];
  readonly credentials: readonly CredentialFacts[];
  readonly products: readonly ProductFacts[];
  readonly plans: readonly PlanFacts[];
  readonly subscriptions: readonly SubscriptionFacts[];
}

/** All that is restricted for a time, or until somebody undoes it, read in one transaction. */
export interface RestrictionSnapshot {
  /** Grows with every change. */
  readonly version: number;
  readonly switches: readonly SwitchFacts[];
  readonly restraints: readonly RestraintFacts[];
}

/** What the last changes were. */
export interface ControlVersions {
  /** Grows with every change, since any may restrict. */
  readonly restrictions: number;
  /** Grows with every change but those that only restrict. */
  readonly entitlements: number;
}
