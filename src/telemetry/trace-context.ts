/** Where a span stands among all of the world. Source: W3C Trace Context, level 1. */
export interface SpanContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly isSampled: boolean;
}

const SAMPLED = 1;
// Versions to come may append more, which is not read; ff is none.
const FORM = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/u;
const ZEROS = /^0+$/u;

/** Null where the header says nothing that can be believed; a client chose it. */
export function parseTraceparent(value: string | readonly string[] | undefined): SpanContext | null {
  if (typeof value !== 'string') return null;
  const [, version, traceId = '', spanId = '', flags = '', rest] = FORM.exec(value) ?? [];
  if (version === undefined || (version === '00' && rest !== undefined)) return null;
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED };
}

/** Reason: what has to be passed on at least; a subgraph need not take more. */
const STATE_CHARS_MAX = 512;
const MEMBERS_MAX = 32;
const MEMBER =
  /^([a-z][\w\-*/]{0,255}|[a-z\d][\w\-*/]{0,240}@[a-z][\w\-*/]{0,13})=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/u;

/**
 * What tracing systems before this one say to those behind it, as it may be sent on; null where there is nothing, or anything of it
 * has another form. Source: W3C Trace Context, level 1, section 3.3.
 */
export function parseTracestate(value: string | readonly string[] | undefined): string | null {
  const text = typeof value === 'object' ? value.join(',') : (value ?? '');
  if (text.length > STATE_CHARS_MAX) return null;
  const members = text.split(',').map((member) => member.replaceAll(/^[ \t]+|[ \t]+$/gu, ''));
  const told = members.filter((member) => member !== '');
  const keys = told.map((member) => MEMBER.exec(member)?.[1] ?? null);
  const isWhole = keys.every((key) => key !== null && key === key.toLowerCase());
  if (told.length === 0 || told.length > MEMBERS_MAX || !isWhole || new Set(keys).size < keys.length)
    return null;
  return told.join(',');
}

/** The header as it is sent on. */
export function formatTraceparent({ traceId, spanId, isSampled }: SpanContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}
