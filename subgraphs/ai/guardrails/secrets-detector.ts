import type { Detector } from './finding.ts';
import type { FoldedText } from './fold-text.ts';
import { type FindingKind, joined, type Span } from './span.ts';

const BEFORE = '(?<![A-Za-z0-9_-])';
const AFTER = '(?![A-Za-z0-9_-])';

/** Forms of keys that their issuers state, each with a beginning that nothing else has. */
const KEYS: readonly string[] = [
  // OpenAI and those who follow it, Anthropic.
  'sk-(?:ant-|proj-|svcacct-|or-)?[A-Za-z0-9_-]{20,200}',
  // Amazon Web Services.
  '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}',
  // GitHub, GitLab.
  'gh[pousr]_[A-Za-z0-9]{36,255}',
  'github_pat_[A-Za-z0-9_]{50,255}',
  'gl(?:pat|ptt|dt|rt)-[A-Za-z0-9_-]{20,64}',
  // Google.
  'AIza[A-Za-z0-9_-]{35}',
  'ya29\\.[A-Za-z0-9_-]{20,300}',
  'GOCSPX-[A-Za-z0-9_-]{20,64}',
  // Slack, Stripe, SendGrid, npm, Hugging Face, DigitalOcean, Shopify, Twilio, Telegram.
  'xox[abeoprs]-[A-Za-z0-9-]{10,250}',
  '[rs]k_(?:live|test)_[A-Za-z0-9]{16,128}',
  'SG\\.[A-Za-z0-9_-]{16,32}\\.[A-Za-z0-9_-]{16,64}',
  'npm_[A-Za-z0-9]{36}',
  'hf_[A-Za-z0-9]{30,48}',
  'do[opr]_v1_[a-f0-9]{64}',
  'shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}',
  'SK[a-f0-9]{32}',
  '[0-9]{8,10}:AA[A-Za-z0-9_-]{33}',
  // Groq, Perplexity, Replicate, and keys of this gateway.
  'gsk_[A-Za-z0-9]{40,64}',
  'pplx-[A-Za-z0-9]{40,64}',
  'r8_[A-Za-z0-9]{30,48}',
  'pk_[A-Za-z0-9]{4,64}_[A-Za-z0-9_-]{43}',
  'AGE-SECRET-KEY-1[A-Z0-9]{58}',
];
const API_KEY = new RegExp(`${BEFORE}(?:${KEYS.join('|')})${AFTER}`, 'gu');
const JWT = new RegExp(
  `${BEFORE}eyJ[A-Za-z0-9_-]{8,2000}\\.[A-Za-z0-9_-]{8,8000}\\.[A-Za-z0-9_-]{16,1000}${AFTER}`,
  'gu',
);
const KEY_BEGINS = /-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----/gu;
const KEY_ENDS = /-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----/gu;
/** The password of a URL. */
const IN_URL = /(?<![A-Za-z0-9])[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/]{0,64}:([^\s:@/]{3,128})@/giu;
/** A name that says what follows it, and a value without blanks. */
const NAMED =
  /(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_ -]?key|access[_ -]?key|private[_ -]?key|client[_ -]?secret|auth(?:orization)?|credentials?|passwort|kennwort)["']?[ \t]{0,3}(?:=|:=?|=>|\bis\b|\bist\b)[ \t]{0,3}(?:bearer |basic )?["'`]?([^\s"'`,;<>{}()[\]]{8,200})/giu;
const ENTROPY_BITS_MIN = 2.75;
/** What people write in place of a secret. */
const EXAMPLE =
  /^(?:x+|\*+|\.+|-+)$|example|changeme|placeholder|redacted|your[_-]|^\$|^%|process\.env|^os\.|getenv/iu;

/** Finds keys by the forms that their issuers state, private keys, tokens, and values of high entropy behind a telling name. */
export function createSecretsDetector(): Detector {
  return {
    name: 'secrets',
    find(folded) {
      const spans = spansIn(folded);
      return spans.length === 0 ? spans : joined(spans).map(folded.originOf);
    },
  };
}

/** Looks closely only where there is what each form has to have. */
function spansIn({ text, look: { hasSecretRun } }: FoldedText): readonly Span[] {
  return [
    ...(text.includes('-----BEGIN') ? privateKeys(text) : []),
    ...(text.includes('eyJ') ? jwts(text) : []),
    // Keys and values have a digit.
    ...(hasSecretRun ? keys(text) : []),
    ...(text.includes('://') ? inUrls(text) : []),
    ...(hasSecretRun ? named(text) : []),
  ];
}

/** One that does not end is as secret as one that does. */
function privateKeys(text: string): Span[] {
  const found: Span[] = [];
  let from = 0;
  for (const { index, 0: begin } of text.matchAll(KEY_BEGINS)) {
    if (index < from) continue;
    KEY_ENDS.lastIndex = index + begin.length;
    const end = KEY_ENDS.exec(text);
    from = end === null ? text.length : end.index + end[0].length;
    found.push({ start: index, end: from, kind: 'PRIVATE_KEY' });
  }
  return found;
}

function jwts(text: string): Span[] {
  return [...text.matchAll(JWT)]
    .filter(({ 0: match }) => hasTokenHeader(match))
    .map(({ index, 0: match }) => spanOf(index, match, 'JWT'));
}

function hasTokenHeader(token: string): boolean {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('utf8'));
    return typeof header === 'object' && header !== null && ('alg' in header || 'typ' in header);
  } catch {
    return false;
  }
}

function keys(text: string): Span[] {
  return [...text.matchAll(API_KEY)]
    .filter(({ 0: match }) => /[0-9]/u.test(match) && !EXAMPLE.test(match))
    .map(({ index, 0: match }) => spanOf(index, match, 'API_KEY'));
}

function inUrls(text: string): Span[] {
  return [...text.matchAll(IN_URL)].filter(({ 1: value = '' }) => !EXAMPLE.test(value)).map(credential);
}

function named(text: string): Span[] {
  return [...text.matchAll(NAMED)].filter(({ 1: value = '' }) => looksSecret(value)).map(credential);
}

function credential({ index, 0: match, 1: value = '' }: RegExpExecArray): Span {
  return spanOf(index + match.lastIndexOf(value), value, 'CREDENTIAL');
}

/** Words, names and addresses have one class of characters, or few different ones. */
function looksSecret(value: string): boolean {
  if (EXAMPLE.test(value) || /^https?:/iu.test(value)) return false;
  const classes = [/[a-z]/u, /[A-Z]/u, /[0-9]/u, /[^A-Za-z0-9]/u].filter((part) => part.test(value)).length;
  return /[0-9]/u.test(value) && classes >= 2 && entropyOf(value) >= ENTROPY_BITS_MIN;
}

/** Units: bits for a character. Source: Shannon, 1948. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

function spanOf(index: number, match: string, kind: FindingKind): Span {
  return { start: index, end: index + match.length, kind };
}
