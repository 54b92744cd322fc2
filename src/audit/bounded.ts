import { threeDigits } from './digits.ts';
import { EVENT_LIMITS } from './event-limits.ts';

/** What stands for the part of a text that was cut off. */
export const ELLIPSIS = '…';

const SECOND = { number: Number.NaN, text: '' };
const MILLISECOND = { number: Number.NaN, text: '' };

/** RFC 3339 with milliseconds; the seconds are printed once for all events in them, and so is each of their milliseconds. */
export function isoTime(timeMs: number): string {
  const whole = Math.floor(timeMs);
  if (whole === MILLISECOND.number) return MILLISECOND.text;
  const second = Math.floor(whole / 1000);
  if (second !== SECOND.number) {
    SECOND.text = new Date(second * 1000).toISOString().slice(0, -'000Z'.length);
    SECOND.number = second;
  }
  MILLISECOND.text = `${SECOND.text}${threeDigits(whole - second * 1000)}Z`;
  MILLISECOND.number = whole;
  return MILLISECOND.text;
}

/** A text as the audit takes names: well-formed, and cut to its bound. */
export function name(value: string): string {
  return text(value, EVENT_LIMITS.nameChars);
}

export function nameOrNull(value: string | null): string | null {
  return value === null ? null : name(value);
}

/** Unpaired surrogates, also those that the cut leaves, would make a line that strict JSON readers refuse. */
export function text(value: string, charsMax: number): string {
  if (value.length <= charsMax) return value.toWellFormed();
  return value.slice(0, charsMax - ELLIPSIS.length).toWellFormed() + ELLIPSIS;
}

/** JSON has no infinity: a saturated measure stays a number. */
export function count(value: number): number {
  // Almost every one is a small whole number, and stays one for the engine.
  if ((value | 0) === value && value >= 0) return value;
  if (Number.isNaN(value) || value < 0) return 0;
  return Math.min(Math.round(value), Number.MAX_SAFE_INTEGER);
}

/** Almost every list is shorter, and goes as it is. */
export function bounded<T>(list: readonly T[], max: number): readonly T[] {
  return list.length <= max ? list : list.slice(0, max);
}

export function overflow(list: readonly unknown[], max: number): number {
  return Math.max(0, list.length - max);
}
