/** What is looked for in the calls of one caller. */
export interface BehaviourThresholds {
  /** Calls of a window below which nothing is concluded. */
  readonly callsMin: number;
  /** Share of calls that are refused, of more than which a caller is held to less; from 0 to 1. */
  readonly refusals: number;
  /** The same of those that are no valid operation. */
  readonly invalid: number;
  /** Different operations in one window. */
  readonly distinctOperations: number;
  /** Cost of a call, as a multiple of what calls of this caller cost so far. */
  readonly costTimes: number;
}

/** Why a caller is held to less. */
export type BehaviourCause = 'refusals' | 'invalid' | 'distinctOperations' | 'cost';

/** One call, as far as behaviour goes. */
export interface ObservedCall {
  readonly outcome: 'answered' | 'refused' | 'invalid';
  /** Null where it was not understood. */
  readonly operationHash: string | null;
  /** Null where costs are not counted. */
  readonly points: number | null;
}

const BITS = 1024;
/** Weight of the last window in what calls are thought to cost. */
const WEIGHT = 0.2;
/** Windows until that is taken for known. */
const LEARNED_AFTER = 3;

/**
 * The calls of one caller in a window, and what its calls cost in those before; of one size, whatever it calls.
 * Source: distinct operations are counted linearly (Whang et al. 1990), exact for few and within a few percent up to a thousand.
 */
export class BehaviourWindow {
  #endsAtMs = 0;
  #calls = 0;
  #refused = 0;
  #invalid = 0;
  #points = 0;
  #counted = 0;
  #seen: Uint32Array | null = null;
  #first: string | null = null;
  #distinct = 0;
  #baseline = 0;
  #learned = 0;

  /** Counts a call; says what is wrong with the window so far, and begins a new one where something is. */
  observe(
    call: ObservedCall,
    thresholds: BehaviourThresholds,
    { nowMs, windowMs }: { readonly nowMs: number; readonly windowMs: number },
  ): BehaviourCause | null {
    if (nowMs >= this.#endsAtMs) this.#begin(nowMs + windowMs, thresholds);
    this.#calls += 1;
    if (call.outcome === 'refused') this.#refused += 1;
    if (call.outcome === 'invalid') this.#invalid += 1;
    if (call.points !== null) {
      this.#points += call.points;
      this.#counted += 1;
    }
    if (call.operationHash !== null) this.#see(call.operationHash);
    const cause = this.#cause(thresholds);
    if (cause !== null) this.#begin(nowMs + windowMs, thresholds);
    return cause;
  }

  #cause({
    callsMin,
    refusals,
    invalid,
    distinctOperations,
    costTimes,
  }: BehaviourThresholds): BehaviourCause | null {
    if (this.#calls < callsMin) return null;
    if (this.#refused > refusals * this.#calls) return 'refusals';
    if (this.#invalid > invalid * this.#calls) return 'invalid';
    if (this.#distinct > distinctOperations) return 'distinctOperations';
    const isLearned = this.#learned >= LEARNED_AFTER && this.#counted >= callsMin;
    if (isLearned && this.#points > costTimes * this.#baseline * this.#counted) return 'cost';
    return null;
  }

  #begin(endsAtMs: number, { callsMin, costTimes }: BehaviourThresholds): void {
    if (this.#counted >= callsMin) {
      // At least a point: who only asked for what is free is not held to that.
      const mean = Math.max(1, this.#points / this.#counted);
      if (this.#learned === 0) this.#baseline = mean;
      // What is far above moves it no further than what is just permitted: one window does not make a habit.
      else this.#baseline += WEIGHT * (Math.min(mean, costTimes * this.#baseline) - this.#baseline);
      this.#learned = Math.min(LEARNED_AFTER, this.#learned + 1);
    }
    this.#endsAtMs = endsAtMs;
    this.#calls = this.#refused = this.#invalid = this.#points = this.#counted = this.#distinct = 0;
    this.#seen = null;
    this.#first = null;
  }

  #see(operationHash: string): void {
    if (this.#first === null) {
      this.#first = operationHash;
      this.#distinct = 1;
    }
    // Most callers have one operation.
    if (this.#seen === null && operationHash === this.#first) return;
    if (this.#seen === null) {
      this.#seen = new Uint32Array(BITS / 32);
      this.#mark(this.#seen, this.#first);
    }
    if (this.#mark(this.#seen, operationHash)) {
      let empty = 0;
      for (const word of this.#seen) empty += 32 - bitsOf(word);
      this.#distinct = empty === 0 ? Number.POSITIVE_INFINITY : Math.round(BITS * Math.log(BITS / empty));
    }
  }

  /** True where it is new. */
  #mark(seen: Uint32Array, operationHash: string): boolean {
    const bit = hashOf(operationHash) % BITS;
    const word = bit >>> 5;
    const before = seen[word] ?? 0;
    seen[word] = before | (1 << (bit & 31));
    return seen[word] !== before;
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

function bitsOf(word: number): number {
  let rest = word;
  let bits = 0;
  for (; rest !== 0; bits += 1) rest &= rest - 1;
  return bits;
}
