import { isIPv4, isIPv6 } from 'node:net';
import { ibanLength, isCardNumber, passesCpf, passesDni, passesIban, passesNir } from './check-digits.ts';
import type { Detector } from './finding.ts';
import { phoneSpans } from './phone-numbers.ts';
import type { TextLook } from './quick-look.ts';
import { type FindingKind, joined, type Span } from './span.ts';

/** Kinds of personal data that can be looked for. */
export const PII_KINDS = ['EMAIL', 'IBAN', 'CARD', 'NATIONAL_ID', 'IP_ADDRESS', 'PHONE'] as const;
export type PiiKind = (typeof PII_KINDS)[number];

const LOCAL_CHARACTERS_MAX = 64;
const DOMAIN_CHARACTERS_MAX = 253;
const LOCAL = /[A-Za-z0-9._%+'-]/u;
const DOMAIN = /[A-Za-z0-9.-]/u;
const DOMAIN_NAME =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,40})$/u;

/** Every pattern is bounded, and what it repeats has no two ways to match. */
const FINDERS: Readonly<Record<PiiKind, (text: string) => readonly Span[]>> = {
  EMAIL: emails,
  IBAN: ibans,
  CARD: cards,
  NATIONAL_ID: nationalIds,
  IP_ADDRESS: ipAddresses,
  PHONE: phoneSpans,
};

/** Whether a text has what each kind has to have. */
const COULD_BE: Readonly<Record<PiiKind, (look: TextLook) => boolean>> = {
  EMAIL: () => true,
  IBAN: ({ hasIbanBegin }) => hasIbanBegin,
  CARD: ({ digitsTogether }) => digitsTogether >= CARD_DIGITS_MIN,
  NATIONAL_ID: ({ digitsTogether }) => digitsTogether >= 6,
  IP_ADDRESS: ({ digitsTogether }) => digitsTogether >= 1,
  PHONE: ({ digitsTogether }) => digitsTogether >= 7,
};
const CARD_DIGITS_MIN = 13;

/** Finds personal data of the kinds that have a form: by check digits where there are some, and by what stands around where not. */
export function createPiiDetector(kinds: readonly PiiKind[] = PII_KINDS): Detector {
  const finders = PII_KINDS.filter((kind) => kinds.includes(kind)).map((kind) => ({
    ...{ find: FINDERS[kind], couldBe: COULD_BE[kind] },
  }));
  return {
    name: 'pii',
    find({ text, look, originOf }) {
      const spans: Span[] = [];
      for (const { find, couldBe } of finders) if (couldBe(look)) spans.push(...find(text));
      return spans.length === 0 ? spans : joined(spans).map(originOf);
    },
  };
}

function emails(text: string): Span[] {
  const found: Span[] = [];
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    let start = at;
    while (start > 0 && at - start < LOCAL_CHARACTERS_MAX && LOCAL.test(text.charAt(start - 1))) start -= 1;
    while (start < at && /['.]/u.test(text.charAt(start))) start += 1;
    let end = at + 1;
    while (end - at <= DOMAIN_CHARACTERS_MAX && end < text.length && DOMAIN.test(text.charAt(end))) end += 1;
    while (end > at && /[.-]/u.test(text.charAt(end - 1))) end -= 1;
    if (start < at && DOMAIN_NAME.test(text.slice(at + 1, end))) found.push({ start, end, kind: 'EMAIL' });
  }
  return found;
}

function ibans(text: string): Span[] {
  const found: Span[] = [];
  for (const { index, 0: begin } of text.matchAll(/(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}/gu)) {
    const length = ibanLength(begin.slice(0, 2).toUpperCase());
    if (length === undefined) continue;
    let [end, taken] = [index, ''];
    while (taken.length < length && end < text.length) {
      const character = text.charAt(end);
      const isLetter = /[A-Za-z0-9]/u.test(character);
      if (!isLetter && (!/[ -]/u.test(character) || !/[A-Za-z0-9]/u.test(text.charAt(end + 1)))) break;
      if (isLetter) taken += character.toUpperCase();
      end += 1;
    }
    if (taken.length === length && !/[A-Za-z0-9]/u.test(text.charAt(end)) && passesIban(taken))
      found.push({ start: index, end, kind: 'IBAN' });
  }
  return found;
}

const DIGIT_GROUPS = /(?<![0-9A-Za-z_.])[0-9]{1,19}(?:[ -]{1,2}[0-9]{1,19}){0,24}/gu;
const CARD_DIGITS_MAX = 19;

/** Groups of digits that together are the number of a card, also where others stand before or behind. */
function cards(text: string): Span[] {
  const found: Span[] = [];
  for (const { index, 0: run } of text.matchAll(DIGIT_GROUPS)) {
    const groups = [...run.matchAll(/[0-9]+/gu)];
    for (let first = 0; first < groups.length; first += 1) {
      let digits = '';
      for (let last = first; last < groups.length; last += 1) {
        const group = groups[last];
        if (group === undefined || digits.length + group[0].length > CARD_DIGITS_MAX) break;
        digits += group[0];
        const end = index + group.index + group[0].length;
        // Part of a longer run of letters or digits is part of something else.
        if (digits.length < CARD_DIGITS_MIN || /[0-9A-Za-z_]/u.test(text.charAt(end))) continue;
        if (!isCardNumber(digits)) continue;
        found.push({ start: index + (groups[first]?.index ?? 0), end, kind: 'CARD' });
      }
    }
  }
  return found;
}

const EDGE_BEFORE = '(?<![0-9A-Za-z])';
const EDGE_AFTER = '(?![0-9A-Za-z])';

interface NationalId {
  readonly pattern: RegExp;
  readonly passes: (text: string) => boolean;
}

const nationalId = (pattern: string, passes: (text: string) => boolean = () => true): NationalId => ({
  pattern: new RegExp(`${EDGE_BEFORE}${pattern}${EDGE_AFTER}`, 'gu'),
  passes: (text) => passes(text.replace(/[ .-]/gu, '').toUpperCase()),
});

/** Numbers whose form alone says what they are. Sources: SSA POMS RM 10201.035; HMRC NIM39110; the others as their checks. */
const NATIONAL_IDS: readonly NationalId[] = [
  nationalId('(?!000|666|9[0-9]{2})[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?!-)'),
  nationalId(
    '(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]',
  ),
  nationalId('(?:[0-9]{8}|[XYZ][0-9]{7})-?[A-HJ-NP-TV-Z]', passesDni),
  nationalId('[0-9]{3}\\.[0-9]{3}\\.[0-9]{3}-[0-9]{2}', passesCpf),
  nationalId('[12] ?[0-9]{2} ?(?:0[1-9]|1[0-2]) ?[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}', passesNir),
];

function nationalIds(text: string): Span[] {
  return NATIONAL_IDS.flatMap(({ pattern, passes }) =>
    [...text.matchAll(pattern)]
      .filter(({ 0: match }) => passes(match))
      .map(({ index, 0: match }) => spanOf(index, match, 'NATIONAL_ID')),
  );
}

const IP_V4 = /(?<![0-9A-Za-z.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z]|\.[0-9])/gu;
const IP_V6 = /(?<![0-9A-Za-z:.])[0-9A-Fa-f:]{6,39}(?:(?:\.[0-9]{1,3}){3})?(?![0-9A-Za-z:])/gu;
/** Four numbers behind such a word are a version. */
const VERSION = /(?:\bv(?:er(?:sion)?)?|\brelease|\bbuild)[ .:]{0,2}$/iu;
const CONTEXT_CHARACTERS = 12;

function ipAddresses(text: string): Span[] {
  const four = (text.includes('.') ? [...text.matchAll(IP_V4)] : []).filter(
    ({ index, 0: match }) =>
      isIPv4(match) && !VERSION.test(text.slice(Math.max(0, index - CONTEXT_CHARACTERS), index)),
  );
  const six = (text.includes(':') ? [...text.matchAll(IP_V6)] : []).filter(
    ({ 0: match }) => isIPv6(match) && isTelling(match),
  );
  return [...four, ...six].map(({ index, 0: match }) => spanOf(index, match, 'IP_ADDRESS'));
}

/** Names of code such as `a::b` have the form of an address too. */
function isTelling(address: string): boolean {
  return address.split(':').filter((group) => group !== '').length >= 3 && /[0-9]/u.test(address);
}

function spanOf(index: number, match: string, kind: FindingKind): Span {
  return { start: index, end: index + match.length, kind };
}
