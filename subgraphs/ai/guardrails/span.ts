/** What guardrails look for, in the terms of the schema. */
export type FindingKind =
  | 'EMAIL'
  | 'PHONE'
  | 'IBAN'
  | 'CARD'
  | 'NATIONAL_ID'
  | 'IP_ADDRESS'
  | 'API_KEY'
  | 'PRIVATE_KEY'
  | 'JWT'
  | 'CREDENTIAL'
  | 'PROMPT_INJECTION'
  | 'DENIED_TOPIC'
  | 'OFF_TOPIC'
  | 'TOO_LARGE'
  | 'UNREAD_IMAGE'
  | 'SCHEMA_MISMATCH';

/** A place in a text. Units: UTF-16 code units; `end` is behind the last one. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly kind: FindingKind;
}

/**
 * Places that do not overlap, in the order of the text: of those that do one is made, of the kind that was given first, so that all of
 * both is covered.
 */
export function joined(spans: readonly Span[]): readonly Span[] {
  const ordered = spans
    .map((span, rank) => ({ ...span, rank }))
    .sort((one, other) => one.start - other.start);
  const taken: (Span & { rank: number })[] = [];
  for (const span of ordered) {
    const last = taken.at(-1);
    if (last === undefined || last.end <= span.start) {
      taken.push(span);
      continue;
    }
    const { kind, rank } = last.rank < span.rank ? last : span;
    taken[taken.length - 1] = { start: last.start, end: Math.max(last.end, span.end), kind, rank };
  }
  return taken.map(({ start, end, kind }) => ({ start, end, kind }));
}
