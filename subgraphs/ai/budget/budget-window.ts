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

/** The last window of each period and when it begins: times that are asked for follow each other. */
const latest = new Map<BudgetPeriod, { readonly beginsAt: number; readonly window: BudgetWindow }>();

/** The window that a time is in. */
export function budgetWindow(nowMs: number, period: BudgetPeriod): BudgetWindow {
  const known = latest.get(period);
  if (known !== undefined && nowMs >= known.beginsAt && nowMs < known.window.endsAt) return known.window;
  const [beginsAt, endsAt] = boundsOf(nowMs, period);
  const name = new Date(nowMs).toISOString().slice(0, NAME_CHARACTERS[period]);
  const window = Object.freeze({ name, endsAt });
  latest.set(period, { beginsAt, window });
  return window;
}

function boundsOf(nowMs: number, period: BudgetPeriod): readonly [beginsAt: number, endsAt: number] {
  if (period === 'month') {
    const date = new Date(nowMs);
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
    return [Date.UTC(year, month), Date.UTC(year, month + 1)];
  }
  const lengthMs = period === 'minute' ? MINUTE_MS : DAY_MS;
  const beginsAt = Math.floor(nowMs / lengthMs) * lengthMs;
  return [beginsAt, beginsAt + lengthMs];
}
