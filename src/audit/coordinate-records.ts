import type { Reason } from '../authorization/decision.ts';
import type { ErrorCode } from '../errors.ts';
import {
  type AuditEvent,
  type ChangeRecord,
  EXCEPTION_STRIDE,
  type FieldCounts,
  TIME_STRIDE,
} from './event.ts';

/** What became of one coordinate of an operation. */
export interface CoordinateRecord {
  readonly coordinate: string;
  /** `none` where it was not judged: the request ended before, or it stands below what is refused. */
  readonly decision: 'permit' | 'refuse' | 'none';
  /** The rule that refused it, or would have in a dry run; also where only some of its objects were refused. */
  readonly rule: string | null;
  readonly code: ErrorCode | null;
  /** Objects that answered it, with null or a value. */
  readonly resolved: number;
  readonly nulls: number;
  /** Objects on which, or whose objects, it was refused. */
  readonly refused: number;
  /** Errors of subgraphs at it, values that do not fit the schema, objects withheld. */
  readonly errors: number;
  /** 0 where nothing came back, else the number of bits of the length of its values as text. */
  readonly sizeClass: number;
  /** Indexes of the event's fetches that asked for it. */
  readonly fetches: readonly number[];
  /** What was given for its arguments, as far as the schema wants them recorded; several times under several aliases. */
  readonly arguments: readonly { readonly name: string; readonly value: string }[];
  /** What it changed in the control plane. */
  readonly changes: readonly Omit<ChangeRecord, 'slot'>[];
  /** How long the subgraphs' own resolvers took, as they say; null where none told. */
  readonly resolvers: { readonly count: number; readonly sumUs: number; readonly maxUs: number } | null;
}

/**
 * One record for each coordinate of the event's operation that the schema does not keep out, in its order; made on reading, which
 * leaves writing cheap.
 */
export function coordinateRecords(event: AuditEvent): readonly CoordinateRecord[] {
  const { operation, decision, counts, fetches, changes = [] } = event;
  if (operation === null) return [];
  const given = argumentsOf(event);
  const times = timesIn(event);
  const unrecorded = new Set(operation.audited.unrecorded);
  const exceptions = exceptionsOf(counts);
  const reasons = new Map<string | null, Reason>();
  for (const reason of decision.reasons)
    if (!reasons.has(reason.coordinate)) reasons.set(reason.coordinate, reason);
  const { refused, unreached, plan } = operation.audited;
  const because = new Map(refused.map((each) => [each.slot, each.because]));
  const unreachedSlots = new Set(unreached);
  const asked = plan.map(({ coordinates }) => new Set(coordinates));
  const whole = decision.effect === 'deny' || decision.effect === 'hold';
  return operation.coordinates.flatMap((coordinate, slot) => {
    if (unrecorded.has(slot)) return [];
    const reason =
      reasons.get(because.get(slot) ?? coordinate) ??
      reasons.get(typeOf(coordinate)) ??
      (whole ? decision.reasons[0] : undefined);
    const [nulls = 0, refusals = 0, errors = 0] = exceptions.get(slot) ?? [];
    const isRefused = whole || because.has(slot);
    const isUnjudged = decision.effect === 'none' || unreachedSlots.has(slot);
    const record: CoordinateRecord = {
      coordinate,
      decision: isRefused ? 'refuse' : isUnjudged ? 'none' : 'permit',
      rule: reason?.rule ?? null,
      code: reason?.code ?? null,
      resolved: counts?.resolved[slot] ?? 0,
      nulls,
      refused: refusals,
      errors,
      sizeClass: counts?.sizes[slot] ?? 0,
      fetches: fetches.flatMap(({ planned }, index) =>
        planned !== null && asked[planned]?.has(slot) === true ? [index] : [],
      ),
      arguments: given.get(slot) ?? [],
      changes: changes.filter((each) => each.slot === slot).map(({ slot: _, ...change }) => change),
      resolvers: times.get(slot) ?? null,
    };
    return [record];
  });
}

/** What was given for arguments, by the index of their field's coordinate. */
function argumentsOf({
  operation,
  arguments: outcomes = [],
}: AuditEvent): ReadonlyMap<number, CoordinateRecord['arguments']> {
  const given = new Map<number, CoordinateRecord['arguments'][number][]>();
  for (const [index, { slot, name }] of (operation?.arguments ?? []).entries()) {
    const value = outcomes[index] ?? null;
    if (value !== null) given.set(slot, [...(given.get(slot) ?? []), { name, value }]);
  }
  return given;
}

/** Times by the index of their coordinate. */
function timesIn({ times = [] }: AuditEvent): ReadonlyMap<number, CoordinateRecord['resolvers']> {
  const found = new Map<number, CoordinateRecord['resolvers']>();
  for (let at = 0; at < times.length; at += TIME_STRIDE) {
    const [slot = 0, count = 0, sumUs = 0, maxUs = 0] = times.slice(at, at + TIME_STRIDE);
    found.set(slot, { count, sumUs, maxUs });
  }
  return found;
}

/** The sum of two counts of one operation, as the events of a stream are counted. */
export function addCounts(a: FieldCounts, b: FieldCounts): FieldCounts {
  const exceptions = exceptionsOf(a);
  for (const [slot, counts] of exceptionsOf(b)) {
    const before = exceptions.get(slot) ?? [];
    exceptions.set(
      slot,
      counts.map((count, index) => count + (before[index] ?? 0)),
    );
  }
  return {
    resolved: addAll(a.resolved, b.resolved, (count, other) => count + other),
    sizes: addAll(a.sizes, b.sizes, sumOfClasses),
    exceptions: [...exceptions]
      .sort(([one], [other]) => one - other)
      .flatMap(([slot, counts]) => [slot, ...counts]),
    sensitive: addSeen(a.sensitive, b.sensitive),
  };
}

/** Each part of an answer has only as many coordinates as it reaches, so that either side may be the longer. */
function addAll(
  a: readonly number[],
  b: readonly number[],
  add: (one: number, other: number) => number,
): readonly number[] {
  const [longer, shorter] = a.length < b.length ? [b, a] : [a, b];
  return longer.map((count, slot) => add(count, shorter[slot] ?? 0));
}

function addSeen(a: FieldCounts['sensitive'], b: FieldCounts['sensitive']): FieldCounts['sensitive'] {
  const seen = { ...a };
  for (const [each, count] of Object.entries(b) as [keyof typeof seen, number][])
    seen[each] = (seen[each] ?? 0) + count;
  return seen;
}

/** Of two lengths of which only the bits are known: at least the larger one, and one bit more where they are alike. */
function sumOfClasses(a: number, b: number): number {
  if (a === 0 || b === 0) return a + b;
  return a === b ? a + 1 : Math.max(a, b);
}

function exceptionsOf(counts: FieldCounts | null): Map<number, readonly number[]> {
  const found = new Map<number, readonly number[]>();
  const { exceptions } = counts ?? { exceptions: [] };
  for (let at = 0; at < exceptions.length; at += EXCEPTION_STRIDE)
    found.set(exceptions[at] ?? 0, exceptions.slice(at + 1, at + EXCEPTION_STRIDE));
  return found;
}

function typeOf(coordinate: string): string {
  return coordinate.slice(0, coordinate.indexOf('.'));
}
