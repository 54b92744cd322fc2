import { describe, expect, it } from 'vitest';
import { auditLine, tableLine } from '../../src/audit/audit-line.ts';
import type { AuditEvent } from '../../src/audit/event.ts';
import { EVENT_LIMITS } from '../../src/audit/event-limits.ts';
import { auditEventSchema } from '../../src/audit/event-schema.ts';
import { publishedEvent } from '../../src/audit/published-event.ts';
import { type AuditParts, auditEvent } from '../../src/audit/recorder.ts';
import type { Reason } from '../../src/authorization/decision.ts';
import { ANONYMOUS } from '../../src/identity/principal.ts';
import { linesOf, PARTS, readBack } from './fixtures.ts';

const REASON: Reason = {
  rule: 'scopes',
  code: 'UNAUTHORIZED_FIELD_OR_TYPE',
  coordinate: 'Product.costPrice',
  path: ['products', '@', 'costPrice'],
};

const ANY_PRINCIPAL = { ...ANONYMOUS, kind: 'service', subject: 'svc' } as const;

function withReasons(...reasons: Reason[]): AuditParts {
  return { ...PARTS, decision: { effect: 'filter', mask: '1', reasons } };
}

function withOperation(parts: Partial<NonNullable<AuditParts['operation']>>): AuditParts {
  if (PARTS.operation === null) throw new Error('the fixture has no operation');
  const variant = PARTS.variant === null ? null : { ...PARTS.variant };
  return { ...PARTS, operation: { ...PARTS.operation, ...parts }, variant };
}

function withSubject(subject: string): AuditParts {
  if (PARTS.principal === null) throw new Error('the fixture has no principal');
  return { ...PARTS, principal: { ...PARTS.principal, subject } };
}

describe('auditEvent', () => {
  it('is critical from the first object of another tenant on', () => {
    expect(auditEvent(PARTS)).toMatchObject({ severity: 'normal', foreignObjects: 0 });
    const event = auditEvent({ ...PARTS, foreignObjects: 1 });
    expect(event).toMatchObject({ severity: 'critical', foreignObjects: 1 });
    expect(auditEventSchema.parse(publishedEvent(event))).toEqual(publishedEvent(event));
  });

  it('says what guardrails of a subgraph found, up to a bound', () => {
    const found = { guardrail: 'pii', kind: 'EMAIL', direction: 'input', action: 'mask', count: 2 } as const;
    const [fetch] = PARTS.fetches;
    if (fetch === undefined) throw new Error('there is a fetch');
    const event = auditEvent({ ...PARTS, fetches: [{ ...fetch, findings: new Array(65).fill(found) }] });
    expect(event.fetches[0]?.findings).toEqual(new Array(64).fill(found));
    expect(auditEventSchema.parse(publishedEvent(event))).toEqual(publishedEvent(event));
  });

  it('says who asked what, what was decided and what ran', () => {
    expect(auditEvent(PARTS)).toMatchObject({
      version: 1,
      time: '2025-01-31T12:00:00.000Z',
      requestId: 'r-1',
      principal: { kind: 'user', subject: 'ada', tenant: 'acme' },
      supergraph: 'cd34',
      operation: { hash: 'ab12', name: 'Prices', coordinates: ['Query.products', 'Product.price'] },
      decision: { effect: 'permit', reasons: [] },
      fetches: [{ subgraph: 'catalog', durationUs: 812, status: 200, errors: 0 }],
      status: 200,
      code: null,
    });
  });

  it('leaves null what a request that was refused early never had', () => {
    const early = auditEvent({
      ...PARTS,
      principal: null,
      operation: null,
      decision: null,
      fetches: [],
      status: 413,
      code: 'PAYLOAD_TOO_LARGE',
      errors: 1,
    });
    expect(early).toMatchObject({
      principal: null,
      supergraph: null,
      operation: null,
      code: 'PAYLOAD_TOO_LARGE',
    });
    expect(early.decision).toEqual({ effect: 'none', reasons: [], reasonsTruncated: 0 });
    expect(auditEventSchema.safeParse(publishedEvent(early)).success).toBe(true);
  });

  it('says why something was denied', () => {
    const event = auditEvent({
      ...PARTS,
      decision: { effect: 'deny', reasons: [REASON] },
      code: 'FORBIDDEN',
    });
    expect(event.decision).toEqual({ effect: 'deny', reasons: [REASON], reasonsTruncated: 0 });
  });

  it('does not record a mask, a scope, a role or an expiry', () => {
    const { text: line } = auditLine(
      auditEvent({
        ...withReasons(REASON),
        principal: { ...ANY_PRINCIPAL, scopes: new Set(['s3cret-scope']), expiresAt: 987_654_321 },
      }),
    );
    expect(line).not.toMatch(/mask|s3cret-scope|987654321/);
  });

  it.each([
    ['coordinates', 1_000],
    ['reasons', 200],
    ['fetches', 1_000],
  ] as const)('keeps %s up to %i and counts the rest', (list, max) => {
    const kept = (length: number) => {
      const fetches = new Array(length).fill(PARTS.fetches[0]);
      const parts = {
        coordinates: () => withOperation({ coordinates: new Array(length).fill('A.b') }),
        reasons: () => withReasons(...new Array<Reason>(length).fill(REASON)),
        fetches: () => ({ ...PARTS, fetches }),
      }[list]();
      const { operation, decision, ...event } = auditEvent(parts);
      return {
        coordinates: [operation?.coordinates.length, operation?.coordinatesTruncated],
        reasons: [decision.reasons.length, decision.reasonsTruncated],
        fetches: [event.fetches.length, event.fetchesTruncated],
      }[list];
    };
    expect(kept(max)).toEqual([max, 0]);
    expect(kept(max + 1)).toEqual([max, 1]);
  });

  it('cuts a response key, which the client chooses, after 128 characters', () => {
    const pathOf = (key: string) =>
      auditEvent(withReasons({ ...REASON, path: [key] })).decision.reasons[0]?.path?.[0];
    expect(pathOf('a'.repeat(128))).toBe('a'.repeat(128));
    expect(pathOf('a'.repeat(129))).toBe(`${'a'.repeat(127)}…`);
  });

  it('cuts a path after 32 steps', () => {
    const pathOf = (steps: number) =>
      auditEvent(withReasons({ ...REASON, path: new Array(steps).fill('a') })).decision.reasons[0]?.path;
    expect(pathOf(32)).toEqual(new Array(32).fill('a'));
    expect(pathOf(33)).toEqual([...new Array(31).fill('a'), '…']);
  });

  it('cuts subjects and operation names after 256 characters', () => {
    expect(auditEvent(withSubject('s'.repeat(256))).principal?.subject).toHaveLength(256);
    expect(auditEvent(withSubject('s'.repeat(257))).principal?.subject).toBe(`${'s'.repeat(255)}…`);
    expect(auditEvent(withOperation({ name: 'n'.repeat(300) })).operation?.name).toHaveLength(256);
  });

  it('leaves no half of a surrogate pair, neither from a cut nor from a credential', () => {
    const cut = auditEvent(withSubject('😀'.repeat(200))).principal?.subject ?? '';
    expect(cut.isWellFormed()).toBe(true);
    expect(cut.length).toBeLessThanOrEqual(EVENT_LIMITS.nameChars);
    expect(auditEvent(withSubject('a\ud800')).principal?.subject).toBe('a\ufffd');
  });

  it('keeps saturated, negative and broken counts as numbers that the schema takes', () => {
    const measures = {
      tokens: Infinity,
      directives: -1,
      depth: 1.4,
      height: 2,
      aliases: 3,
      rootFields: 4,
      selections: 5,
    };
    const event = auditEvent({ ...withOperation({ measures }), durationUs: Number.NaN });
    expect(event.operation?.measures).toMatchObject({
      tokens: Number.MAX_SAFE_INTEGER,
      directives: 0,
      depth: 1,
    });
    expect(event.durationUs).toBe(0);
    expect(auditEventSchema.safeParse(publishedEvent(event)).success).toBe(true);
  });
});

describe('auditLine', () => {
  it.each(['\n', '\r', '\r\n', '\u0085', '\u2028', '\u2029', '\u0000', '\u001b[2J', '"}\n{"version":1}'])(
    'stays one line with %j in every name a client chooses',
    (hostile) => {
      const parts = withReasons({ ...REASON, path: [hostile] });
      const event = auditEvent({ ...parts, ...withSubject(hostile), decision: parts.decision });
      const named = { ...event, requestId: hostile };
      const lines = linesOf(named, named, named);
      for (const line of lines) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that must not appear
        expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
        expect(line.at(-1)).toBe('\n');
      }
      expect(readBack(lines)).toEqual([named, named, named]);
    },
  );

  it('holds every member of an event, those that few have too', () => {
    const event = {
      ...auditEvent(withReasons(REASON)),
      ...{ severity: 'critical', code: 'FORBIDDEN', foreignObjects: 2, events: 3, times: [1, 2, 3, 4] },
      ...{ cost: { estimated: 1, actual: null, max: 2 }, arguments: [{ outcome: 'absent' }] },
      fetchesTruncated: 4,
    };
    expect(readBack(linesOf(event as unknown as AuditEvent))).toEqual([event]);
  });

  it.each(['\n', '\u0085', '\u2028', '"}\n{"version":1}'])(
    'refers to a table that stays one line with %j as the name of the operation',
    (hostile) => {
      const event = auditEvent(withOperation({ name: hostile }));
      const { operation } = auditLine(event);
      const line = operation === null ? '' : tableLine(operation, 3);
      expect(line.slice(0, -1)).not.toMatch(/[\n\u0085\u2028]/);
      expect(JSON.parse(line)).toEqual({ table: 3, operation: event.operation });
    },
  );

  it('refers to one table for all requests of an operation by callers who may run the same of it', () => {
    const { operation: table } = auditLine(auditEvent(PARTS));
    expect(auditLine(auditEvent(PARTS)).operation).toBe(table);
    const variant = {
      audited: { refused: [{ slot: 1, because: 'Product.price' }], unreached: [], sensitive: [], plan: [] },
    };
    expect(auditLine(auditEvent({ ...PARTS, variant })).operation).not.toBe(table);
  });

  it('has the counts of its own event, also where those before were almost the same', () => {
    const { counts } = PARTS;
    if (counts === null) throw new Error('there are counts');
    const base = { ...counts, sensitive: Object.freeze({}) };
    const all = [
      ...[
        base,
        base,
        { ...base, resolved: [1, 21] },
        { ...base, sizes: [0, 9] },
        { ...base, exceptions: [] },
      ],
      ...[base, { ...base, resolved: [1, 20, 0] }, { ...base, sensitive: { PERSONAL: 2 } }, base],
    ];
    const events = all.map((each) => auditEvent({ ...PARTS, counts: each }));
    expect(readBack(linesOf(...events)).map(({ counts: read }) => read)).toEqual(all);
  });

  it('says how its own caller came, was judged and was answered, also where the one before came almost alike', () => {
    const base = auditEvent(PARTS);
    const denied = auditEvent(withReasons(REASON)).decision;
    const [fetch] = base.fetches;
    if (fetch === undefined) throw new Error('there is a fetch');
    const others: Partial<AuditEvent>[] = [
      ...[{ remoteAddress: '::1' }, { method: 'GET' }, { supergraph: 'ef56' }, { supergraph: null }],
      ...[{ decision: denied }, { principal: null }, { principal: auditEvent(withSubject('eve')).principal }],
      ...[
        { remoteAddress: '"\u2028' },
        { status: 503 },
        { code: 'FORBIDDEN' } as const,
        { errors: 1 },
        { events: 0 },
      ],
      ...[{ foreignObjects: 1 }, { severity: 'critical' } as const, { time: '2025-01-31T12:00:00.001Z' }],
      ...[{ fetches: [] }, { fetches: [fetch, { ...fetch, subgraph: 'accounts', status: 0, errors: 2 }] }],
      ...[{ fetches: [{ ...fetch, subgraph: '"\n', planned: null }] }, { arguments: ['redacted'] }],
    ];
    const events = others.flatMap((each) => [{}, each, {}, {}]).map((other) => ({ ...base, ...other }));
    expect(readBack(linesOf(...events))).toEqual(events);
  });

  it('does not give one operation the table of another', () => {
    const parts = { ...withOperation({ hash: 'ef56', coordinates: ['Query.other'] }), variant: null };
    auditLine(auditEvent(PARTS));
    expect(auditLine(auditEvent(parts)).operation?.text).toContain('"ef56"');
  });

  it('refers to nothing where there is no operation', () => {
    const event = auditEvent({ ...PARTS, operation: null });
    expect(auditLine(event).operation).toBeNull();
    expect(readBack(linesOf(event))).toEqual([event]);
  });
});
