import { GatewayError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';

/** Whose calls are held to less: those of every caller who is all of what is given; null for what it does not have. At least one is given. */
export interface ThrottleTarget {
  readonly tenant?: string | null;
  readonly application?: string | null;
  readonly issuer?: string | null;
  readonly subject?: string;
  readonly credential?: string | null;
  readonly ip?: string;
}

/** What of a call throttles look at. */
export interface ThrottledCall {
  readonly principal: Principal;
  readonly remoteAddress: string;
}

/** A share of each limit that one target is held to. */
export interface Throttle {
  /** Names the target; the buckets it is held to are its own. */
  readonly key: string;
  /** Above 0, up to 1. */
  readonly factor: number;
}

/** Targets at once; about 5 MB when full. */
export const THROTTLES_MAX = 10_000;

const PARTS = ['tenant', 'application', 'issuer', 'subject', 'credential', 'ip'] as const;
const NONE: readonly Throttle[] = Object.freeze([]);

type Part = (typeof PARTS)[number];

interface Held extends Throttle {
  readonly untilMs: number;
}

/**
 * Who is held to a share of every limit, and until when; nothing is looked at while nobody is.
 * Invariant: a factor never permits more than the limits do, since the throttled buckets are taken from besides.
 */
export class Throttles {
  /** By the parts that targets are told by, then by target. */
  readonly #byParts = new Map<
    string,
    { readonly parts: readonly Part[]; readonly held: Map<string, Held> }
  >();
  readonly #max: number;
  readonly #now: () => number;
  #size = 0;

  /** `now` in milliseconds since the epoch. */
  constructor(now: () => number, max = THROTTLES_MAX) {
    this.#now = now;
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Holds a target to a share of each limit until a time; in place of what held for the same target. A factor of 1 or a time
   * that has passed lets it go.
   * Throws: RangeError for a factor that is none or a target that names nobody, SERVER_OVERLOADED when the list is full.
   */
  set(target: ThrottleTarget, factor: number, untilMs: number): void {
    const parts = PARTS.filter((part) => target[part] !== undefined);
    if (!(factor > 0 && factor <= 1) || parts.length === 0 || !Number.isFinite(untilMs))
      throw new RangeError('a throttle needs a target, a factor above 0 and up to 1, and a time');
    const name = parts.join();
    const group = this.#byParts.get(name) ?? { parts, held: new Map<string, Held>() };
    const key = JSON.stringify([name, ...parts.map((part) => target[part])]);
    if (group.held.delete(key)) this.#size -= 1;
    if (factor < 1 && untilMs > this.#now()) {
      if (this.#size >= this.#max) this.#forgetEnded();
      if (this.#size >= this.#max) throw new GatewayError('SERVER_OVERLOADED', { cause: 'throttles_max' });
      group.held.set(key, { key, factor, untilMs });
      this.#size += 1;
    }
    if (group.held.size === 0) this.#byParts.delete(name);
    else this.#byParts.set(name, group);
  }

  /** What a call is held to; all of it holds. */
  of({ principal, remoteAddress }: ThrottledCall): readonly Throttle[] {
    if (this.#size === 0) return NONE;
    const nowMs = this.#now();
    const found: Throttle[] = [];
    for (const [name, { parts, held }] of this.#byParts) {
      const key = JSON.stringify([name, ...parts.map((part) => partOf(principal, remoteAddress, part))]);
      const throttle = held.get(key);
      if (throttle === undefined) continue;
      if (throttle.untilMs > nowMs) found.push(throttle);
      else {
        held.delete(key);
        this.#size -= 1;
      }
    }
    return found;
  }

  #forgetEnded(): void {
    const nowMs = this.#now();
    for (const { held } of this.#byParts.values()) {
      for (const [key, { untilMs }] of held) {
        if (untilMs > nowMs) continue;
        held.delete(key);
        this.#size -= 1;
      }
    }
  }
}

/** Null where a caller has no such part: a target that names one does not fit. */
function partOf(principal: Principal, remoteAddress: string, part: Part): string | null {
  if (part === 'ip') return remoteAddress;
  return part === 'credential' ? principal.credentialId : principal[part];
}
