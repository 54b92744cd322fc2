import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auditLine, intentLine } from '../../src/audit/audit-line.ts';
import { AuditQueue } from '../../src/audit/audit-queue.ts';
import type { AuditEvent, FetchRecord } from '../../src/audit/event.ts';
import { bytesAtMost, EventQueue } from '../../src/audit/event-queue.ts';
import { type AuditParts, auditEvent, auditIntent } from '../../src/audit/recorder.ts';
import { ANONYMOUS } from '../../src/identity/principal.ts';
import { eventOf, PARTS } from './fixtures.ts';

/** Callers and operations that events of one log have in common; what encoding remembers of them is not shared with another log. */
function world(names: readonly string[]) {
  const principals = names.map((subject) => ({ ...ANONYMOUS, subject, tenant: subject, issuer: subject }));
  const operations = names.map((name, index) => ({
    operation: {
      ...(PARTS.operation ?? never()),
      hash: `hash-${index}`,
      name,
      coordinates: names.map((each) => `Query.${each}`),
    },
    variant: { audited: { ...(PARTS.variant ?? never()).audited } },
  }));
  return ({ caller, what, id, fetches, counts, ...changes }: Recipe): AuditEvent => {
    const operation = operations[what % operations.length] ?? never();
    return auditEvent({
      ...PARTS,
      ...operation,
      ...changes,
      request: { ...PARTS.request, id, remoteAddress: id, method: id },
      principal: principals[caller % principals.length] ?? never(),
      fetches: fetches.map((fetch) => ({ ...fetch })),
      counts: {
        ...{ resolved: [...counts], sizes: [...counts], exceptions: [...counts, ...counts, ...counts] },
        sensitive: PARTS.counts?.sensitive ?? {},
      },
    });
  };
}

function never(): never {
  throw new Error('the fixture lacks it');
}

interface Recipe
  extends Pick<AuditParts, 'fetches' | 'decision' | 'arguments' | 'foreignObjects' | 'cost' | 'code'> {
  readonly id: string;
  /** Index of the principal, and of the operation. */
  readonly caller: number;
  readonly what: number;
  readonly counts: readonly number[];
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom(
    '\u0000'.repeat(400),
    '\u2028'.repeat(256),
    '\ud800'.repeat(300),
    '"\\\n'.repeat(99),
    '',
    'plain',
  ),
);
const number = fc.oneof(fc.nat(), fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY, -1, 0));
const fetchParts = {
  subgraph: hostile,
  durationUs: number,
  status: number,
  errors: number,
  planned: fc.nat(9),
};
const fetchRecord: fc.Arbitrary<FetchRecord> = fc.oneof(
  { weight: 9, arbitrary: fc.record(fetchParts) },
  { weight: 1, arbitrary: fc.record({ ...fetchParts, trace: fc.constant('read') }) },
) as fc.Arbitrary<FetchRecord>;
const reason = fc.record({
  rule: hostile,
  code: fc.constant('FORBIDDEN'),
  coordinate: hostile,
  path: fc.constant(null),
});
const recipe: fc.Arbitrary<Recipe> = fc.record({
  id: hostile,
  ...{ caller: fc.nat(3), what: fc.nat(3) },
  fetches: fc.array(fetchRecord, { maxLength: 4 }),
  counts: fc.array(fc.nat(Number.MAX_SAFE_INTEGER), { maxLength: 8 }),
  decision: fc.oneof(
    { weight: 4, arbitrary: fc.constant(PARTS.decision) },
    fc.record({ effect: fc.constant('deny'), reasons: fc.array(reason, { minLength: 1, maxLength: 3 }) }),
  ) as fc.Arbitrary<AuditParts['decision']>,
  arguments: fc.option(fc.array(fc.constantFrom('redacted', null), { maxLength: 3 }), { freq: 5 }),
  foreignObjects: fc.nat(1),
  cost: fc.option(fc.record({ estimated: number, actual: number, max: number })),
  code: fc.constantFrom(null, 'BUDGET_UNAVAILABLE' as never),
});
const names = fc.array(hostile, { minLength: 1, maxLength: 4 });

/** What may happen to a queue. */
type Step =
  | { readonly kind: 'event'; readonly recipe: Recipe; readonly day: number }
  | { readonly kind: 'intent'; readonly id: string; readonly day: number }
  | { readonly kind: 'write' };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant('event'), recipe, day: fc.constantFrom(8, 9) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('intent'), id: hostile, day: fc.constant(9) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'write' }) },
  ) as fc.Arbitrary<Step>,
  { maxLength: 40 },
);

const intentOf = (id: string) =>
  auditIntent({ id, receivedAtMs: 0 }, ANONYMOUS, { hash: 'ab12', name: 'Pay' });

interface Taken {
  readonly taken: boolean;
  readonly length: number;
}

/** Runs steps on a queue; tells what it took and the bytes that it gave to be written. */
function play(
  all: readonly Step[],
  queue: AuditQueue,
  door: Pick<EventQueue, 'take' | 'push' | 'encode' | 'length'>,
  eventOfRecipe: (recipe: Recipe) => AuditEvent,
) {
  const taken: Taken[] = [];
  const written: string[] = [];
  const write = (): void => {
    door.encode();
    while (queue.length > 0) {
      const bytes = queue.batch(5_000, written);
      written.push(`${queue.day} ${Buffer.from(bytes).toString()}`);
      queue.written(bytes.length);
    }
  };
  for (const step of all) {
    if (step.kind === 'write') write();
    else {
      const isTaken =
        step.kind === 'event'
          ? door.take(step.day, eventOfRecipe(step.recipe))
          : door.push(step.day, () => intentLine(intentOf(step.id)));
      taken.push({ taken: isTaken, length: door.length });
    }
  }
  write();
  return { taken, written };
}

describe('events that gather', () => {
  it('come to the lines, numbers, days and refusals of encoding each at once, whatever the bounds', () => {
    const bounds = fc.record({
      linesMax: fc.constantFrom(3, 10, 1_000),
      bytesMax: fc.constantFrom(2_000, 20_000, 100_000, 16_777_216),
      gatherMax: fc.constantFrom(1, 3, 256),
    });
    fc.assert(
      fc.property(steps, names, bounds, (all, known, { gatherMax, ...queueBounds }) => {
        const late = new AuditQueue(queueBounds);
        const onLost = (cause: unknown): never => {
          throw cause;
        };
        const gathering = new EventQueue(late, { ...queueBounds, gatherMax, onLost });
        const soon = new AuditQueue(queueBounds);
        const atOnce = {
          take: (day: number, event: AuditEvent) => soon.push(day, auditLine(event)),
          push: (day: number, encode: () => ReturnType<typeof auditLine>) => soon.push(day, encode()),
          encode: () => undefined,
          get length() {
            return soon.length;
          },
        };
        expect(play(all, late, gathering, world(known))).toEqual(play(all, soon, atOnce, world(known)));
      }),
      { numRuns: 150 },
    );
  });

  it('take no more bytes than they were said to', () => {
    fc.assert(
      fc.property(recipe, names, (one, known) => {
        const event = world(known)(one);
        const queue = new AuditQueue({ linesMax: 9, bytesMax: Number.POSITIVE_INFINITY });
        queue.push(0, auditLine(event));
        expect(queue.bytes).toBeLessThanOrEqual(bytesAtMost(event, null));
      }),
      { numRuns: 300 },
    );
  });

  it('with every text and number at its longest take no more bytes than they were said to', () => {
    const longest = '\u0000'.repeat(999);
    const { operation, variant } = PARTS;
    const fetches = Array.from({ length: 1_001 }, () => ({
      ...{ subgraph: longest, durationUs: Number.MAX_VALUE, status: Number.MAX_VALUE },
      ...{ errors: Number.MAX_VALUE, planned: 999 },
    }));
    const event = auditEvent({
      ...PARTS,
      ...{
        variant: { ...(variant ?? never()) },
        fetches,
        status: Number.MAX_VALUE,
        errors: Number.MAX_VALUE,
        events: Number.MAX_VALUE,
      },
      ...{
        foreignObjects: Number.MAX_VALUE,
        durationUs: Number.MAX_VALUE,
        code: 'INTROSPECTION_DISABLED' as never,
      },
      request: { id: longest, receivedAtMs: 8.64e15, remoteAddress: longest, method: longest },
      principal: {
        ...{ ...ANONYMOUS, subject: longest, tenant: longest, application: longest },
        ...{ issuer: longest, credentialId: longest },
      },
      operation: {
        ...(operation ?? never()),
        ...{ hash: longest, supergraphId: longest, name: longest },
        coordinates: Array.from({ length: 1_000 }, () => longest),
      },
      cost: { estimated: Number.MAX_VALUE, actual: Number.MAX_VALUE, max: Number.MAX_VALUE },
      counts: {
        resolved: Array.from({ length: 1_000 }, () => Number.MAX_SAFE_INTEGER),
        sizes: Array.from({ length: 1_000 }, () => 1_024),
        exceptions: Array.from({ length: 4_000 }, () => Number.MAX_SAFE_INTEGER),
        sensitive: { PERSONAL: Number.MAX_SAFE_INTEGER } as never,
      },
    });
    const atMost = bytesAtMost(event, null);
    const queue = new AuditQueue({ linesMax: 9, bytesMax: Number.POSITIVE_INFINITY });
    queue.push(0, auditLine(event));
    expect(queue.bytes).toBeLessThanOrEqual(atMost);
    expect(atMost).toBeLessThan(16_777_216);
  });

  it('lose only the one that cannot be encoded, which is told', () => {
    const queue = new AuditQueue({ linesMax: 9, bytesMax: 1_000_000 });
    const lost: unknown[] = [];
    const onLost = (cause: unknown): void => void lost.push(cause);
    const events = new EventQueue(queue, { linesMax: 9, bytesMax: 1_000_000, gatherMax: 9, onLost });
    const fault = new TypeError('no cost');
    const broken = Object.defineProperty({ ...eventOf('r-2') }, 'cost', {
      get: () => {
        throw fault;
      },
    });
    for (const event of [eventOf('r-1'), broken, eventOf('r-3')]) expect(events.take(1, event)).toBe(true);
    expect([events.length, queue.length]).toEqual([3, 0]);
    events.encode();
    expect(lost).toEqual([fault]);
    expect([events.length, queue.length]).toEqual([2, 2]);
    const text = Buffer.from(queue.batch(1_000_000, {})).toString();
    expect([...text.matchAll(/"requestId":"([^"]+)".*"seq":(\d+)/gu)].map(([, ...found]) => found)).toEqual([
      ['r-1', '0'],
      ['r-3', '1'],
    ]);
  });

  it.each<[string, Partial<AuditEvent>]>([
    [
      'reasons',
      {
        decision: {
          effect: 'deny',
          reasons: [{ rule: 'r', code: 'FORBIDDEN', coordinate: null, path: null }],
          reasonsTruncated: 0,
        },
      },
    ],
    ['arguments', { arguments: ['redacted'] }],
    ['times', { times: [0, 1, 2, 3] }],
    ['changes', { changes: [] }],
    [
      'what a subgraph told of a fetch',
      { fetches: [{ subgraph: 'a', durationUs: 1, status: 200, errors: 0, planned: 0, models: [] }] },
    ],
  ])('are not those with %s, which are encoded at once and after what gathered before', (_what, changes) => {
    const queue = new AuditQueue({ linesMax: 9, bytesMax: 1_000_000 });
    const events = new EventQueue(queue, { linesMax: 9, bytesMax: 1_000_000, gatherMax: 9, onLost: never });
    events.take(1, eventOf('r-1'));
    expect(queue.length).toBe(0);
    events.take(1, { ...eventOf('r-2'), ...changes });
    expect(queue.length).toBe(2);
    expect(Buffer.from(queue.batch(1_000_000, {})).toString()).toMatch(/r-1.*r-2/su);
  });
});
