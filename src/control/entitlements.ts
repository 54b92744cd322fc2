import { GatewayError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import type { AiAllowance } from './ai-limits.ts';
import { type AiTerm, allowanceIn } from './ai-terms.ts';
import type { ProductGraph } from './coordinate-index.ts';
import type { Grant } from './grant.ts';
import { Grants, type OpenCoordinates } from './grants.ts';
import { chargedTo, isLimited, NO_PLANS, type PlanLimit, type PlanTerm } from './plan-limit.ts';
import type { ControlSnapshot, PlanFacts, SubscriptionFacts } from './snapshot.ts';

export interface EntitlementOptions extends OpenCoordinates {
  /** Age of the last word from the control plane at which nothing is granted any more. */
  readonly staleMs: number;
  /** Whether plans that limit nothing are told too: where calls are told apart by product. */
  readonly tellsAllPlans?: boolean;
}

/** What the request path asks of the control plane. */
export interface EntitlementSource {
  /**
   * What a caller may reach now.
   * Throws: CONTROL_PLANE_UNAVAILABLE while nothing is known, or nothing was heard for too long.
   */
  grantOf(principal: Principal, graph: ProductGraph): Grant;
  /** What the plans of its subscriptions limit a caller's operation to; asked after `grantOf`. */
  plansFor(principal: Principal, graph: ProductGraph, operation: Selecting): readonly PlanLimit[];
  /**
   * What the plans of a caller limit the use of AI models by some fields to; the same object while nothing changes, null for
   * who is no application known here.
   */
  allowanceFor(principal: Principal, graph: ProductGraph, fields: readonly string[]): AiAllowance | null;
}

/** An operation, as far as products look at it. */
type Selecting = { readonly coordinates: readonly string[] };

/** A subscription with its plan; null where that limits nothing. */
interface HeldSubscription extends SubscriptionFacts {
  readonly limits: PlanFacts['limits'] | null;
}

/** One application as the last snapshot has it, with what it may reach at the time that was asked for last. */
interface HeldApplication {
  readonly id: string;
  readonly tenantId: string;
  readonly isActive: boolean;
  readonly subscriptions: readonly HeldSubscription[];
  current: Current | null;
}

/** Holds while nothing begins or ends. Units: milliseconds since the epoch, `until` not included. */
interface Current {
  readonly productIds: readonly string[];
  readonly terms: readonly PlanTerm[];
  /** By operation, what it is charged to. */
  readonly charged: WeakMap<Selecting, readonly PlanLimit[]>;
  readonly aiTerms: readonly AiTerm[];
  /** By graph and list of fields. */
  readonly allowances: WeakMap<ProductGraph, Map<readonly string[], AiAllowance>>;
  readonly from: number;
  readonly until: number;
}

interface HeldTenant {
  readonly isActive: boolean;
  /** By what tokens and keys call them: the id, and each client id. */
  readonly applications: ReadonlyMap<string, HeldApplication>;
}

const NO_PRODUCTS: readonly string[] = Object.freeze([]);

/**
 * The entitlements of every application, in memory: one snapshot of the control plane, replaced whole.
 * Invariant: who is unknown, expired or suspended has what is open to everybody, or nothing; times are judged by the clock
 * at each request.
 */
export class Entitlements implements EntitlementSource {
  readonly #options: EntitlementOptions;
  readonly #now: () => number;
  #tenants: ReadonlyMap<string, HeldTenant> = new Map();
  #snapshot: ControlSnapshot | null = null;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  /** By graph, so that what an old generation of the graph needs goes with it. */
  #grants = new WeakMap<ProductGraph, Grants>();

  constructor(options: EntitlementOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  /** The version in place; null before the first snapshot. */
  get version(): number | null {
    return this.#snapshot?.version ?? null;
  }

  /** True while requests are granted by what the control plane said. */
  get isFresh(): boolean {
    return this.#now() - this.#heardAtMs < this.#options.staleMs;
  }

  /** Takes the place of the snapshot before; an older one than that is passed over, unless what came last is lost to the database. */
  replace(snapshot: ControlSnapshot, heardAtMs: number, isLost = false): void {
    this.confirm(heardAtMs);
    if (this.#snapshot !== null && snapshot.version < this.#snapshot.version && !isLost) return;
    this.#tenants = tenantsOf(snapshot);
    this.#grants = new WeakMap();
    this.#snapshot = snapshot;
  }

  /** Notes that nothing had changed at a time. */
  confirm(heardAtMs: number): void {
    this.#heardAtMs = Math.max(this.#heardAtMs, heardAtMs);
  }

  grantOf(principal: Principal, graph: ProductGraph): Grant {
    if (this.#snapshot === null || !this.isFresh) throw new GatewayError('CONTROL_PLANE_UNAVAILABLE');
    const grants = this.#grantsFor(graph, this.#snapshot);
    const tenant = principal.tenant === null ? undefined : this.#tenants.get(principal.tenant);
    if (tenant === undefined) return grants.of(NO_PRODUCTS);
    if (!tenant.isActive) return grants.suspended;
    const application =
      principal.application === null ? undefined : tenant.applications.get(principal.application);
    if (application === undefined) return grants.of(NO_PRODUCTS);
    if (!application.isActive) return grants.suspended;
    return grants.of(this.#currentOf(application).productIds);
  }

  allowanceFor(principal: Principal, graph: ProductGraph, fields: readonly string[]): AiAllowance | null {
    const held = this.#applicationOf(principal);
    const snapshot = this.#snapshot;
    if (held === undefined || snapshot === null) return null;
    const { aiTerms, allowances } = this.#currentOf(held);
    const ofGraph = allowances.getOrInsertComputed(graph, () => new Map<readonly string[], AiAllowance>());
    return ofGraph.getOrInsertComputed(fields, () =>
      allowanceIn(held, { terms: aiTerms, fields }, this.#grantsFor(graph, snapshot)),
    );
  }

  plansFor(principal: Principal, graph: ProductGraph, operation: Selecting): readonly PlanLimit[] {
    const held = this.#applicationOf(principal);
    if (held === undefined || this.#snapshot === null) return NO_PLANS;
    const { terms, charged } = this.#currentOf(held);
    if (terms.length === 0) return NO_PLANS;
    const known = charged.get(operation);
    if (known !== undefined) return known;
    const all = chargedTo(operation, terms, this.#grantsFor(graph, this.#snapshot));
    const limits = this.#options.tellsAllPlans === true || all.every(isLimited) ? all : all.filter(isLimited);
    charged.set(operation, limits);
    return limits;
  }

  #applicationOf({ tenant, application }: Principal): HeldApplication | undefined {
    if (tenant === null || application === null) return undefined;
    return this.#tenants.get(tenant)?.applications.get(application);
  }

  #currentOf(application: HeldApplication): Current {
    return currentOf(application, this.#now(), this.#options.tellsAllPlans === true);
  }

  #grantsFor(graph: ProductGraph, { products }: ControlSnapshot): Grants {
    const known = this.#grants.get(graph);
    if (known !== undefined) return known;
    const grants = new Grants(products, graph, this.#options);
    this.#grants.set(graph, grants);
    return grants;
  }
}

function tenantsOf(snapshot: ControlSnapshot): ReadonlyMap<string, HeldTenant> {
  const subscriptions = Map.groupBy(snapshot.subscriptions, ({ applicationId }) => applicationId);
  const clients = Map.groupBy(
    snapshot.credentials.filter(({ kind }) => kind === 'oauthClient'),
    ({ applicationId }) => applicationId,
  );
  const limits = new Map(snapshot.plans.map((plan) => [plan.id, plan.limits]));
  const applications = Map.groupBy(snapshot.applications, ({ tenantId }) => tenantId);
  return new Map(
    snapshot.tenants.map(({ id, slug, status }) => {
      const held = new Map<string, HeldApplication>();
      for (const application of applications.get(id) ?? []) {
        const entry: HeldApplication = {
          ...{ id: application.id, tenantId: id, isActive: application.status === 'active' },
          subscriptions: (subscriptions.get(application.id) ?? [])
            .filter(({ tenantId }) => tenantId === id)
            .map((subscription) => ({ ...subscription, limits: limits.get(subscription.planId) ?? null })),
          current: null,
        };
        held.set(application.id, entry);
        for (const { prefix, revokedAt } of clients.get(application.id) ?? []) {
          if (revokedAt === null) held.set(prefix, entry);
        }
      }
      return [slug, { isActive: status === 'active', applications: held }];
    }),
  );
}

/** What an application has at a time. */
function currentOf(application: HeldApplication, nowMs: number, tellsAll: boolean): Current {
  const { current } = application;
  if (current !== null && nowMs >= current.from && nowMs < current.until) return current;
  let from = Number.NEGATIVE_INFINITY;
  let until = Number.POSITIVE_INFINITY;
  const products = new Set<string>();
  const terms: PlanTerm[] = [];
  const aiTerms: AiTerm[] = [];
  for (const { id, limits, state, productId, startsAt, endsAt } of application.subscriptions) {
    if (state !== 'ACTIVE') continue;
    const end = endsAt ?? Number.POSITIVE_INFINITY;
    if (nowMs >= startsAt && nowMs < end) {
      products.add(productId);
      terms.push({ productId, limit: { ...limits, subscriptionId: id, productId } });
      aiTerms.push({ productId, subscription: id, limits: limits?.ai ?? {} });
    }
    for (const boundary of [startsAt, end]) {
      if (boundary <= nowMs) from = Math.max(from, boundary);
      else until = Math.min(until, boundary);
    }
  }
  const made: Current = {
    productIds: [...products].sort(),
    // Where no plan limits anything, nothing has to be looked for.
    terms: tellsAll || terms.some(({ limit }) => isLimited(limit)) ? terms : [],
    charged: new WeakMap(),
    ...{ aiTerms, allowances: new WeakMap() },
    ...{ from, until },
  };
  application.current = made;
  return made;
}
