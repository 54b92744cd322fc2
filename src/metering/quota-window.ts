/** What a quota is for. */
export type QuotaPeriod = 'day' | 'month';

/** One day or month of one time zone. Units: milliseconds since the epoch; `endsAt` is not part of it. */
export interface QuotaWindow {
  /** The day or month as it is written there, such as `2026-11-24` or `2026-11`. */
  readonly name: string;
  readonly endsAt: number;
}

const HOUR_MS = 3_600_000;
/** Longer than any day or month, also where clocks go back. */
const LONGEST_MS: Readonly<Record<QuotaPeriod, number>> = { day: 27 * HOUR_MS, month: 32 * 24 * HOUR_MS };

/** Days and months of time zones, found once for each and kept until they end. */
export class QuotaWindows {
  readonly #current = new Map<string, QuotaWindow>();
  readonly #formats = new Map<string, Intl.DateTimeFormat>();

  /** The day or month that a time is in. Throws: RangeError for a time zone that is none. */
  at(nowMs: number, period: QuotaPeriod, timeZone: string): QuotaWindow {
    const key = `${period} ${timeZone}`;
    const known = this.#current.get(key);
    // A clock that steps back finds the window that it was in, or the one before: neither begins anew.
    if (known !== undefined && nowMs < known.endsAt) return known;
    const name = this.#name(nowMs, period, timeZone);
    const window = { name, endsAt: this.#end(nowMs, { name, period, timeZone }) };
    this.#current.set(key, window);
    return window;
  }

  /** The first millisecond of another name: days of 23, 24 and 25 hours are found alike. */
  #end(
    nowMs: number,
    {
      name,
      period,
      timeZone,
    }: { readonly name: string; readonly period: QuotaPeriod; readonly timeZone: string },
  ): number {
    let inside = nowMs;
    let outside = nowMs + LONGEST_MS[period];
    while (outside - inside > 1) {
      const middle = Math.floor((inside + outside) / 2);
      if (this.#name(middle, period, timeZone) === name) inside = middle;
      else outside = middle;
    }
    return outside;
  }

  #name(ms: number, period: QuotaPeriod, timeZone: string): string {
    let format = this.#formats.get(timeZone);
    if (format === undefined) {
      // This locale writes a date as 2026-11-24.
      format = new Intl.DateTimeFormat('en-CA', {
        timeZone,
        year: 'numeric',
        month: '2-digit',
        day: '2-digit',
      });
      this.#formats.set(timeZone, format);
    }
    const date = format.format(ms);
    return period === 'day' ? date : date.slice(0, date.lastIndexOf('-'));
  }
}
