import type { Constraint } from '../supergraph/policy.ts';

const DATE = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/u;
const DATE_TIME =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/u;
const DATE_LENGTH = 'YYYY-MM-DD'.length;

/** A date that the calendar has: the 30th of February is none. */
function isDate(text: string): boolean {
  if (!DATE.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

const matches =
  (expression: RegExp) =>
  (text: string): boolean =>
    expression.test(text);

/** Formats a string argument may be held to; each is a whole-string test, linear in the length. */
const FORMATS: Readonly<Record<NonNullable<Constraint['format']>, (text: string) => boolean>> = Object.freeze(
  {
    EMAIL: matches(/^[^\s@"<>]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/u),
    UUID: matches(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/iu),
    URI: matches(/^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]+$/u),
    DATE: isDate,
    DATE_TIME: (text) => DATE_TIME.test(text) && isDate(text.slice(0, DATE_LENGTH)),
    IPV4: matches(/^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/u),
    // The grammar is the URL standard's, once what else may stand in a URL is ruled out.
    IPV6: (text) => /^[0-9A-Fa-f:.]{2,45}$/u.test(text) && URL.canParse(`http://[${text}]/`),
  },
);

const compiled = new WeakMap<Constraint, RegExp>();

/**
 * True where a coerced value breaks a constraint; null and absent values break none (non-null types are for that).
 * A list is held to the item counts, and each of its items to the rest.
 */
export function violates(rule: Constraint, value: unknown): boolean {
  if (!Array.isArray(value)) return violatesItem(rule, value);
  if (rule.minItems !== undefined && value.length < rule.minItems) return true;
  if (rule.maxItems !== undefined && value.length > rule.maxItems) return true;
  return value.flat(Number.POSITIVE_INFINITY).some((item) => violatesItem(rule, item));
}

function violatesItem(rule: Constraint, value: unknown): boolean {
  if (value === null || value === undefined) return false;
  if (typeof value === 'number') return violatesRange(rule, value);
  return typeof value === 'string' && violatesText(rule, value);
}

function violatesRange(rule: Constraint, value: number): boolean {
  return !((rule.min === undefined || value >= rule.min) && (rule.max === undefined || value <= rule.max));
}

function violatesText(rule: Constraint, value: string): boolean {
  // Length counts code points, as a reader counts characters; the cheap bound first, so that huge text is not walked.
  if (rule.maxLength !== undefined && value.length > rule.maxLength && [...value].length > rule.maxLength)
    return true;
  if (rule.minLength !== undefined && [...value].length < rule.minLength) return true;
  if (rule.format !== undefined && !FORMATS[rule.format](value)) return true;
  return rule.pattern !== undefined && !patternOf(rule, rule.pattern).test(value);
}

function patternOf(rule: Constraint, pattern: string): RegExp {
  const known = compiled.get(rule);
  if (known !== undefined) return known;
  const expression = new RegExp(pattern, 'u');
  compiled.set(rule, expression);
  return expression;
}
