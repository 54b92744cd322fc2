import { hash } from 'node:crypto';
import type { Principal } from '../identity/principal.ts';
import type { OperationVariant } from '../operation/operation.ts';
import type { Rate } from './gcra.ts';
import type { Demand } from './limit-store.ts';
import type { QuotaPeriod, QuotaWindows } from './quota-window.ts';
import type { Throttle } from './throttles.ts';

/** What calls are told apart by. */
export type Dimension =
  | 'tenant'
  | 'application'
  | 'subject'
  | 'credential'
  | 'ip'
  | 'product'
  | 'operation'
  | 'rootField';

/** One limit of the configuration. */
export interface RateLimit extends Rate {
  readonly name: string;
  /** The role that it is for; absent where it is everybody's. */
  readonly ofRole?: string;
  /** Whether it is a share of a limit, for one who is throttled. */
  readonly isThrottled?: true;
  readonly by: readonly Dimension[];
  /** Root fields it holds for; all where empty. */
  readonly fields: readonly string[];
  readonly kinds: readonly ('query' | 'mutation' | 'subscription')[];
  /** What holds for callers with a role instead, the most generous first; none where it is for a role itself. */
  readonly roles: readonly RateLimit[];
}

/** So much in a day or a month, and nothing back before it ends. */
export interface Quota {
  readonly name: string;
  readonly by: readonly Exclude<Dimension, 'rootField'>[];
  readonly kinds: readonly ('query' | 'mutation' | 'subscription')[];
  readonly points: number;
  readonly per: QuotaPeriod;
}

/** Quotas, and when the days and months of each tenant are. */
export interface QuotaPlan {
  readonly quotas: readonly Quota[];
  readonly windows: QuotaWindows;
  /** By slug; `timeZone` for every other. */
  readonly tenantTimeZones: ReadonlyMap<string, string>;
  readonly timeZone: string;
  /** Units: milliseconds since the epoch. */
  now(): number;
}

/** What of a request limits look at. */
export interface LimitedCall {
  readonly principal: Principal;
  readonly remoteAddress: string;
  readonly operationName: string | null;
  readonly kind: 'query' | 'mutation' | 'subscription';
  readonly variant: OperationVariant;
  /** What the operation costs, as estimated. */
  readonly points: number;
  /** Limits of the plans that it is charged to. */
  readonly plans: readonly PlanRate[];
  /** One of the products that it is charged to, where calls are told apart by them. */
  readonly product?: string;
}

/** What one subscription's plan permits. Units: points of cost in a second. */
export interface PlanRate {
  readonly subscriptionId: string;
  readonly productId: string;
  readonly rate?: { readonly points: number; readonly burst: number };
  /** Most operations that may run at once. */
  readonly concurrent?: number;
}

/** A demand and the limit it comes from. */
export interface LimitDemand extends Demand {
  readonly limit: RateLimit;
  /** Whether it takes the cost of the operation, rather than one point for each use of a field. */
  readonly isByCost: boolean;
}

/** Longest key that is kept as it is. */
const KEY_CHARS_MAX = 200;

/** All that a call takes from the limits that hold for it. */
export function demandsOf(call: LimitedCall, limits: readonly RateLimit[]): LimitDemand[] {
  const demands: LimitDemand[] = [];
  for (const limit of limits) {
    if (!limit.kinds.includes(call.kind)) continue;
    const kept = keptDemand(call.principal, limit);
    if (kept === null) for (const one of callsFor(call, limit.by)) demands.push(...demandsOn(one, limit));
    else demands.push({ ...kept, cost: call.points });
  }
  for (const plan of call.plans) demands.push(...demandOfPlan(call, plan));
  return demands;
}

/** What each call of a caller takes from a limit, where only its credential decides from which bucket. */
const ofPrincipals = new WeakMap<Principal, Map<RateLimit, Omit<LimitDemand, 'cost'> | null>>();

function keptDemand(principal: Principal, configured: RateLimit): Omit<LimitDemand, 'cost'> | null {
  let kept = ofPrincipals.get(principal);
  if (kept === undefined) {
    kept = new Map();
    ofPrincipals.set(principal, kept);
  }
  let demand = kept.get(configured);
  if (demand === undefined) {
    demand = madeDemand(principal, configured);
    kept.set(configured, demand);
  }
  return demand;
}

/** Null where the same caller has several buckets, or is told apart by address for lack of something. */
function madeDemand(principal: Principal, configured: RateLimit): Omit<LimitDemand, 'cost'> | null {
  const limit = forRoles(configured, principal);
  const { fields, by } = limit;
  if (fields.length > 0 || !by.every((dimension) => ownPart(principal, dimension) !== null)) return null;
  const bucket = limit.ofRole === undefined ? limit.name : { name: limit.name, ofRole: limit.ofRole };
  const key = bounded(JSON.stringify([bucket, ...by.map((dimension) => ownPart(principal, dimension))]));
  return { limit, rate: limit, isByCost: true, key, slot: slotOf(principal, by, key) };
}

/** What who is throttled takes besides, from buckets of its own at a share of each limit. */
export function throttledDemands(
  demands: readonly LimitDemand[],
  throttles: readonly Throttle[],
): LimitDemand[] {
  return throttles.flatMap(({ key: target, factor }) =>
    demands.map((demand): LimitDemand => {
      const { points, burst } = demand.rate;
      const limit: RateLimit = {
        ...demand.limit,
        ...{ points: points * factor, burst: burst * factor, isThrottled: true },
      };
      return { ...demand, limit, rate: limit, key: bounded(JSON.stringify([target, demand.key])) };
    }),
  );
}

/** What callers are told of how long a period is. */
const NOMINAL_MS: Readonly<Record<QuotaPeriod, number>> = { day: 86_400_000, month: 2_592_000_000 };

/** The rate under which more comes back first, and of two such the larger burst. */
export function byGenerosity(one: Rate, other: Rate): number {
  return other.points / other.perMs - one.points / one.perMs || other.burst - one.burst;
}

/** What a call takes from the quotas that are for it. */
export function quotaDemandsOf(call: LimitedCall, plan: QuotaPlan): LimitDemand[] {
  const nowMs = plan.now();
  const zone = plan.tenantTimeZones.get(call.principal.tenant ?? '') ?? plan.timeZone;
  return plan.quotas.flatMap(({ name, by, kinds, points, per }) => {
    if (!kinds.includes(call.kind)) return [];
    const { name: period, endsAt } = plan.windows.at(nowMs, per, zone);
    const limit: RateLimit = {
      ...{ name, by, kinds, points, fields: [], roles: [] },
      ...{ burst: points, perMs: NOMINAL_MS[per] },
    };
    const window = { points, leftMs: endsAt - nowMs };
    return callsFor(call, by).map((one): LimitDemand => {
      // No limit of the configuration has a name like this.
      const key = keyOf(one, { name: `#${zone}#${period}#${name}`, by }, null);
      const slot = slotOf(call.principal, by, key);
      return { limit, rate: limit, isByCost: true, cost: call.points, key, slot, window };
    });
  });
}

/** What callers are told that the limit of a plan is called; limits of the configuration have other names. */
export const PLAN_LIMIT = 'plan';
const SECOND_MS = 1000;

/** A plan is the same for every call that is charged to it. */
const ofPlans = new WeakMap<PlanRate, Omit<LimitDemand, 'cost'>>();

function demandOfPlan({ points: cost, principal }: LimitedCall, plan: PlanRate): LimitDemand[] {
  if (plan.rate === undefined) return [];
  const known = ofPlans.get(plan);
  if (known !== undefined) return [{ ...known, cost }];
  const limit: RateLimit = {
    ...{ name: PLAN_LIMIT, ...plan.rate, perMs: SECOND_MS },
    ...{ by: [], fields: [], kinds: [], roles: [] },
  };
  const key = JSON.stringify([PLAN_LIMIT, plan.subscriptionId]);
  const slot = slotOf(principal, ['application'], key);
  const demand = { limit, rate: limit, isByCost: true, key, slot };
  ofPlans.set(plan, demand);
  return [{ ...demand, cost }];
}

/** A call as it is to a limit: one for each product it is charged to, where the limit tells products apart. */
export function callsFor(call: LimitedCall, by: readonly Dimension[]): readonly LimitedCall[] {
  if (!by.includes('product') || call.plans.length === 0) return [call];
  const products = new Set(call.plans.map(({ productId }) => productId));
  return [...products].map((product) => ({ ...call, product }));
}

function demandsOn(call: LimitedCall, configured: RateLimit): LimitDemand[] {
  const limit = forRoles(configured, call.principal);
  const perField = limit.by.includes('rootField');
  const demand = (field: string | null, isByCost: boolean, cost: number): LimitDemand => {
    const key = keyOf(call, limit, field);
    return { limit, rate: limit, isByCost, cost, key, slot: slotOf(call.principal, limit.by, key) };
  };
  if (!perField && limit.fields.length === 0) return [demand(null, true, call.points)];
  const uses = [...usesOf(call.variant)].filter(
    ([field]) => limit.fields.length === 0 || limit.fields.includes(field),
  );
  if (perField) return uses.map(([field, cost]) => demand(field, false, cost));
  const cost = uses.reduce((sum, [, count]) => sum + count, 0);
  return cost === 0 ? [] : [demand(null, false, cost)];
}

/** The limit as it is for a caller, whose roles may have a bucket of their own. */
function forRoles(limit: RateLimit, { roles }: Principal): RateLimit {
  return limit.roles.find(({ ofRole }) => ofRole !== undefined && roles.has(ofRole)) ?? limit;
}

/** Buckets that belong to one tenant alone are together; one that callers of several tenants may share is by itself. */
export function slotOf({ tenant }: Principal, by: readonly Dimension[], key: string): string {
  const isOfTenant = tenant !== null && (by.includes('tenant') || by.includes('application'));
  return isOfTenant ? `tenant ${tenant}` : key;
}

/** Parts are written as JSON, so that no two lists of parts have the same key. */
export function keyOf(
  call: LimitedCall,
  { name, by, ofRole }: Pick<RateLimit, 'name' | 'by' | 'ofRole'>,
  field: string | null,
): string {
  const bucket = ofRole === undefined ? name : { name, ofRole };
  return bounded(JSON.stringify([bucket, ...by.map((dimension) => partOf(call, dimension, field))]));
}

function bounded(key: string): string {
  return key.length <= KEY_CHARS_MAX ? key : hash('sha256', key, 'base64url');
}

/** Who does not have what calls are told apart by is told apart by address, so that nobody uses up what others share. */
function partOf(
  { principal, remoteAddress, operationName, product }: LimitedCall,
  dimension: Dimension,
  field: string | null,
) {
  switch (dimension) {
    case 'ip':
      return remoteAddress;
    case 'product':
      return product ?? { ip: remoteAddress };
    case 'operation':
      return operationName;
    case 'rootField':
      return field;
    default:
      return ownPart(principal, dimension) ?? { ip: remoteAddress };
  }
}

/** What a caller is told apart by on the word of its credential; null for what it does not have, and what else decides. */
function ownPart(principal: Principal, dimension: Dimension) {
  const { kind, tenant, application, issuer, subject, credentialId } = principal;
  switch (dimension) {
    case 'tenant':
      return tenant;
    case 'application':
      return application === null ? null : [tenant, application];
    case 'subject':
      return kind === 'anonymous' ? null : [issuer, subject];
    case 'credential':
      return credentialId;
    default:
      return null;
  }
}

const known = new WeakMap<OperationVariant, ReadonlyMap<string, number>>();

/** How often each root field runs, each alias counted; what variables switch off is counted too. */
function usesOf(variant: OperationVariant): ReadonlyMap<string, number> {
  const uses = known.get(variant);
  if (uses !== undefined) return uses;
  const counted = new Map<string, number>();
  for (const { fields } of variant.shape.types.values()) {
    for (const { name, denied } of fields) {
      if (denied === null && name !== '__typename') counted.set(name, (counted.get(name) ?? 0) + 1);
    }
  }
  known.set(variant, counted);
  return counted;
}
