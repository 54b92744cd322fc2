import type { ResolverClock } from './execution/executor.ts';
import type { OnResolver } from './execution/inline-trace.ts';
import type { CompiledOperation, OperationVariant } from './operation/operation.ts';

/** Times of one coordinate's resolvers. Units: nanoseconds. */
interface Tally {
  count: number;
  sumNs: number;
  maxNs: number;
}

const NS_PER_US = 1000;

/** A fetch of a plan, as the audit tells it. */
type PlannedFetch = OperationVariant['audited']['plan'][number];

const indexes = new WeakMap<PlannedFetch, ReadonlyMap<string, number>>();

/**
 * How long the subgraphs' own resolvers took in one operation, by coordinate.
 * Invariant: of a fetch only those coordinates are counted that it asks for, so that a subgraph cannot make this grow, write a name
 * into the audit, or speak for another.
 */
export class ResolverTimes implements ResolverClock {
  readonly #coordinates: readonly string[];
  readonly #audited: OperationVariant['audited'];
  readonly #planned: readonly number[] | null;
  readonly #tallies = new Map<number, Tally>();

  /** `planned` names the fetches that are asked, by their numbers in the plan; null asks all. */
  constructor(
    { coordinates }: Pick<CompiledOperation, 'coordinates'>,
    { audited }: Pick<OperationVariant, 'audited'>,
    planned: readonly number[] | null,
  ) {
    this.#coordinates = coordinates;
    this.#audited = audited;
    this.#planned = planned;
  }

  of(planned: number): OnResolver | null {
    const fetch = this.#audited.plan[planned];
    if (fetch === undefined || this.#planned?.includes(planned) === false) return null;
    const slots = this.#slotsOf(fetch);
    return (typeName, fieldName, tookNs) => {
      const slot = slots.get(`${typeName}.${fieldName}`);
      if (slot !== undefined) this.#count(slot, tookNs);
    };
  }

  /** What of a fetch is counted; found once for all requests. */
  #slotsOf(fetch: PlannedFetch): ReadonlyMap<string, number> {
    const known = indexes.get(fetch);
    if (known !== undefined) return known;
    const unrecorded = new Set(this.#audited.unrecorded);
    const slots = new Map<string, number>();
    for (const slot of fetch.coordinates) {
      const coordinate = this.#coordinates[slot];
      if (coordinate !== undefined && !unrecorded.has(slot)) slots.set(coordinate, slot);
    }
    indexes.set(fetch, slots);
    return slots;
  }

  #count(slot: number, tookNs: number): void {
    const tally = this.#tallies.get(slot) ?? { count: 0, sumNs: 0, maxNs: 0 };
    tally.count += 1;
    tally.sumNs += tookNs;
    tally.maxNs = Math.max(tally.maxNs, tookNs);
    this.#tallies.set(slot, tally);
  }

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
