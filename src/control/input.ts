import { invalidInput } from './control-error.ts';

/** Texts that people read: printable, bounded, and not only blanks. Throws: INVALID_INPUT. */
export function text(field: string, value: string, charsMax: number): string {
  const trimmed = value.trim().normalize('NFC');
  if (trimmed === '') throw invalidInput(field, 'must not be empty');
  return optionalText(field, trimmed, charsMax);
}

/** As `text`, but may be empty. Throws: INVALID_INPUT. */
export function optionalText(field: string, value: string, charsMax: number): string {
  const trimmed = value.trim().normalize('NFC');
  if (trimmed.length > charsMax) throw invalidInput(field, `must have at most ${charsMax} characters`);
  // Control characters would garble what administrators read; PostgreSQL takes no NUL at all.
  if (/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u.test(trimmed.replaceAll(/[\n\t]/gu, '')))
    throw invalidInput(field, 'must not have control characters');
  return trimmed;
}

/** Throws: INVALID_INPUT. */
export function list(
  field: string,
  values: readonly string[],
  rule: { max: number; pattern: RegExp },
): string[] {
  if (values.length > rule.max) throw invalidInput(field, `must have at most ${rule.max} entries`);
  for (const value of values) {
    if (!rule.pattern.test(value)) throw invalidInput(field, 'has an entry of the wrong form');
  }
  return [...new Set(values)];
}

/** Throws: INVALID_INPUT. */
export function whole(field: string, value: number, { min, max }: { min: number; max: number }): number {
  if (!Number.isSafeInteger(value) || value < min || value > max)
    throw invalidInput(field, `must be a whole number from ${min} to ${max}`);
  return value;
}

/** Which part of a list is asked for. */
export interface PageInput {
  readonly first?: number | undefined;
  /** The cursor of the last one known. */
  readonly after?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Cursor of the last item where there are more; null at the end. */
  readonly next: string | null;
}

export const PAGE_MAX = 100;
const CURSOR = /^[A-Za-z0-9_-]{1,4096}$/u;

/** Bounds of a page as a query takes them; one more is read, which tells whether there are more. Throws: INVALID_INPUT. */
export function pageOf({ first = 25, after = '' }: PageInput): {
  readonly limit: number;
  readonly after: string;
} {
  whole('first', first, { min: 1, max: PAGE_MAX });
  if (after !== '' && !CURSOR.test(after)) throw invalidInput('after', 'is not a cursor');
  const key = Buffer.from(after, 'base64url').toString('utf8');
  // PostgreSQL takes no NUL; no key has one.
  if (key.includes('\0')) throw invalidInput('after', 'is not a cursor');
  return { limit: first + 1, after: key };
}

/** The cursor of an item, by the key that its list is sorted by. */
export function cursorOf(key: string): string {
  return Buffer.from(key, 'utf8').toString('base64url');
}

/** A page of what was read with the bounds of `pageOf`. */
export function paged<T>(rows: readonly T[], limit: number, keyOf: (row: T) => string): Page<T> {
  const items = rows.slice(0, limit - 1);
  const last = items.at(-1);
  return { items, next: rows.length < limit || last === undefined ? null : cursorOf(keyOf(last)) };
}
