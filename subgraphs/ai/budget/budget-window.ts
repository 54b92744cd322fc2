/** How long a budget lasts before it begins anew. */
export type BudgetPeriod = 'minute' | 'day' | 'month';

/** A minute, day or month of UTC. Units: milliseconds since the epoch; `endsAt` is not part of it. */
export interface BudgetWindow {
  /** Such as `2026-11-27T23:41`, `2026-11-27` or `2026-11`. */
  readonly name: string;
  readonly endsAt: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const NAME_CHARACTERS = { minute: 16, day: 10, month: 7 } as const;

/** The window that a time is in. */
export function budgetWindow(nowMs: number, period: BudgetPeriod): BudgetWindow {
  return {
    name: new Date(nowMs).toISOString().slice(0, NAME_CHARACTERS[period]),
    endsAt: endOf(nowMs, period),
  };
}

function endOf(nowMs: number, period: BudgetPeriod): number {
  if (period === 'month') {
    const date = new Date(nowMs);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
  }
  const lengthMs = period === 'minute' ? MINUTE_MS : DAY_MS;
  return (Math.floor(nowMs / lengthMs) + 1) * lengthMs;
}
