import type { CompiledOperation, OperationVariant } from './operation/operation.ts';

/** Times of one coordinate's resolvers. Units: nanoseconds. */
interface Tally {
  count: number;
  sumNs: number;
  maxNs: number;
}

const NS_PER_US = 1000;

const indexes = new WeakMap<readonly string[], ReadonlyMap<string, number>>();

/**
 * How long the subgraphs' own resolvers took in one operation, by coordinate.
 * Invariant: only coordinates of the operation are counted, so that a subgraph cannot make it grow or write a name into the audit.
 */
export class ResolverTimes {
  readonly #slots: ReadonlyMap<string, number>;
  readonly #planned: ReadonlySet<number> | null;
  readonly #unrecorded: ReadonlySet<number>;
  readonly #tallies = new Map<number, Tally>();

  /** `planned` names the fetches that are asked, by their numbers in the plan; null asks all. */
  constructor(
    { coordinates }: Pick<CompiledOperation, 'coordinates'>,
    { audited }: Pick<OperationVariant, 'audited'>,
    planned: readonly number[] | null,
  ) {
    this.#slots = slotsOf(coordinates);
    this.#planned = planned === null ? null : new Set(planned);
    this.#unrecorded = new Set(audited.unrecorded);
  }

  /** Whether a fetch of the plan is to tell its times. */
  asks(planned: number | null): boolean {
    return this.#planned === null || (planned !== null && this.#planned.has(planned));
  }

  /** Takes one resolver, as its subgraph names it; what the operation did not ask for is not counted. */
  readonly take = (typeName: string, fieldName: string, tookNs: number): void => {
    const slot = this.#slots.get(`${typeName}.${fieldName}`);
    if (slot === undefined || this.#unrecorded.has(slot)) return;
    const tally = this.#tallies.get(slot) ?? { count: 0, sumNs: 0, maxNs: 0 };
    tally.count += 1;
    tally.sumNs += tookNs;
    tally.maxNs = Math.max(tally.maxNs, tookNs);
    this.#tallies.set(slot, tally);
  };

  /** What was counted: coordinate, count, sum and longest in microseconds; four numbers each. */
  told(): readonly number[] {
    const told: number[] = [];
    for (const [slot, { count, sumNs, maxNs }] of [...this.#tallies].sort(([one], [other]) => one - other))
      told.push(slot, count, Math.round(sumNs / NS_PER_US), Math.round(maxNs / NS_PER_US));
    return told;
  }
}

/**
 * What takes an operation's times: of the fetches that bring what the schema wants in full, or of all where the operation is among
 * those that are sampled; null where nobody wants any, which costs nothing.
 */
export function timesOf(
  operation: Pick<CompiledOperation, 'coordinates'>,
  variant: Pick<OperationVariant, 'audited'>,
  isSampled: () => boolean,
): ResolverTimes | null {
  if (isSampled()) return new ResolverTimes(operation, variant, null);
  const { timed } = variant.audited;
  return timed === undefined ? null : new ResolverTimes(operation, variant, timed);
}

function slotsOf(coordinates: readonly string[]): ReadonlyMap<string, number> {
  const known = indexes.get(coordinates);
  if (known !== undefined) return known;
  const slots = new Map(coordinates.map((coordinate, slot) => [coordinate, slot]));
  indexes.set(coordinates, slots);
  return slots;
}
