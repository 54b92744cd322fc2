import type { Span } from './span.ts';

/** Digits with what stands between those of a number; what follows a digit is told by its first character. */
const CANDIDATE = /(?<![0-9A-Za-z_.+@#/-])(?:\+ ?)?\(?[0-9](?:[ ().\-/]{0,3}[0-9]){6,16}(?![0-9A-Za-z_@])/gu;
const CONTEXT_CHARACTERS = 24;
/** What stands before a number that has no form of its own. */
const CONTEXT =
  /(?:phone|tel|tel[eé]fono|telefon|t[eé]l[eé]phone|mobile|cell|handy|fax|call|ring|text|whatsapp|sms|dial|reach|ruf|appel)[^0-9\n]{0,20}$/iu;
/** Area and exchange begin with 2 to 9. Source: North American Numbering Plan. */
const NORTH_AMERICAN =
  /^(?:\+?1[ .-]?)?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}$/u;
const DIGITS_MIN = 8;
const DIGITS_MAX = 15;

/** Numbers of telephones: international ones, North American ones by their form, and others by what stands before. Source: ITU-T E.164. */
export function phoneSpans(text: string): readonly Span[] {
  const found: Span[] = [];
  for (const { index, 0: match } of text.matchAll(CANDIDATE)) {
    const digits = match.replace(/[^0-9]/gu, '');
    const before = text.slice(Math.max(0, index - CONTEXT_CHARACTERS), index);
    if (isPhone(match, digits, before))
      found.push({ start: index, end: index + match.length, kind: 'PHONE' });
  }
  return found;
}

function isPhone(match: string, digits: string, before: string): boolean {
  if (NORTH_AMERICAN.test(match)) return true;
  if (match.startsWith('+')) return isInternational(digits);
  if (/^00[1-9]/u.test(match) && digits.length >= 11) return isInternational(digits.slice(2));
  return digits.length >= 7 && digits.length <= DIGITS_MAX && CONTEXT.test(before) && !isDate(match);
}

function isInternational(digits: string): boolean {
  return digits.length >= DIGITS_MIN && digits.length <= DIGITS_MAX && !digits.startsWith('0');
}

function isDate(match: string): boolean {
  return /^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{4})$/u.test(match);
}
