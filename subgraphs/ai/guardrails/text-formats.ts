import { isIPv4, isIPv6 } from 'node:net';

/** Longer texts have no format. Units: UTF-16 code units. */
const TEXT_CHARACTERS_MAX = 2_048;

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/u;
const TIME = /^([01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d{1,12})?(?:z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/iu;
const DURATION =
  /^P(?:\d{1,12}W|(?=\d|T)(?:\d{1,12}Y)?(?:\d{1,12}M)?(?:\d{1,12}D)?(?:T(?=\d)(?:\d{1,12}H)?(?:\d{1,12}M)?(?:\d{1,12}S)?)?)$/u;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/iu;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/iu;
const LOCAL = /^[\w!#$%&'*+/=?^`{|}~-]+$/u;
const URI = /^[a-z][a-z0-9+.-]*:[\x21-\x7e]*$/iu;
const HOSTNAME_CHARACTERS_MAX = 253;
const LOCAL_CHARACTERS_MAX = 64;

/** By name, what a text of the format is like. Source: JSON Schema 2020-12, validation, section 7.3; RFC 3339, 5321, 1123, 3986, 9562. */
const FORMATS: ReadonlyMap<unknown, (text: string) => boolean> = new Map<unknown, (text: string) => boolean>([
  ['date', isDate],
  ['time', (text) => TIME.test(text)],
  ['date-time', isDateTime],
  ['duration', (text) => DURATION.test(text)],
  ['email', isEmail],
  ['hostname', isHostname],
  ['ipv4', isIPv4],
  ['ipv6', (text) => isIPv6(text) && !text.includes('%')],
  ['uri', (text) => URI.test(text) && URL.canParse(text)],
  ['uuid', (text) => UUID.test(text)],
]);

/** Whether a text has a format; of one that is not known here it is not judged. Invariant: takes time in proportion to the text. */
export function hasFormat(text: string, format: unknown): boolean {
  const check = FORMATS.get(format);
  return check === undefined || (text.length <= TEXT_CHARACTERS_MAX && check(text));
}

function isDate(text: string): boolean {
  const [, year, month, day] = DATE.exec(text) ?? [];
  if (year === undefined) return false;
  const date = new Date(Date.UTC(2000, Number(month) - 1, Number(day)));
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
}

function isDateTime(text: string): boolean {
  return /^t$/iu.test(text.charAt(10)) && isDate(text.slice(0, 10)) && TIME.test(text.slice(11));
}

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, Math.max(0, at));
  return (
    local.length <= LOCAL_CHARACTERS_MAX &&
    local.split('.').every((part) => LOCAL.test(part)) &&
    isHostname(text.slice(at + 1))
  );
}

function isHostname(text: string): boolean {
  return text.length <= HOSTNAME_CHARACTERS_MAX && text.split('.').every((label) => LABEL.test(label));
}
