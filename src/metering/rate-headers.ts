import type { Verdict } from './gcra.ts';
import { type LimitDemand, PLAN_LIMIT, type RateLimit } from './rate-limits.ts';

/** `RateLimit-Policy` of one limit: `q` the burst, `w` its seconds. */
export function policyOf({ name, burst, perMs }: RateLimit): string {
  return `"${name}";q=${Math.floor(burst)};w=${Math.ceil(perMs / 1000)}`;
}

/** What the configuration says, with what holds for this caller in its place, and the plans and quotas of this call. */
export function policyFor(
  demands: readonly LimitDemand[],
  { limits, text }: { readonly limits: readonly RateLimit[]; readonly text: string },
): string {
  if (!demands.some(isOwn)) return text;
  const own = new Map(demands.filter(isOwn).map(({ limit }) => [limit.name, limit]));
  const policies = limits.map((limit) => own.get(limit.name) ?? limit);
  for (const { name } of limits) own.delete(name);
  return [...policies, ...own.values()].map(policyOf).join(', ');
}

/** Whether a demand has another policy than what every caller is told. */
function isOwn({ limit, window }: LimitDemand): boolean {
  return (
    window !== undefined ||
    limit.ofRole !== undefined ||
    limit.isThrottled === true ||
    limit.name === PLAN_LIMIT
  );
}

/** Source: draft-ietf-httpapi-ratelimit-headers, `r` what is left and `t` seconds until something comes back. */
export function standing(demands: readonly LimitDemand[], verdicts: readonly Verdict[]): string {
  let text = '';
  for (let index = 0; index < demands.length; index += 1) {
    const demand = demands[index];
    const verdict = verdicts[index];
    if (demand === undefined || verdict === undefined || !isEmptiest(index, demands, verdicts)) continue;
    const { limit, window } = demand;
    const seconds = Math.ceil((window?.leftMs ?? limit.perMs / limit.points) / 1000);
    text += `${text === '' ? '' : ', '}"${limit.name}";r=${verdict.remaining};t=${seconds}`;
  }
  return text;
}

/** Of several buckets of one limit the emptiest is told, of equal ones the first. */
function isEmptiest(index: number, demands: readonly LimitDemand[], verdicts: readonly Verdict[]): boolean {
  const name = demands[index]?.limit.name;
  const remaining = verdicts[index]?.remaining ?? 0;
  for (let other = 0; other < demands.length; other += 1) {
    if (other === index || demands[other]?.limit.name !== name) continue;
    const left = verdicts[other]?.remaining ?? 0;
    if (left < remaining || (left === remaining && other < index)) return false;
  }
  return true;
}
