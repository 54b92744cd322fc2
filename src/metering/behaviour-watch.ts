import {
  type BehaviourCause,
  type BehaviourThresholds,
  BehaviourWindow,
  type ObservedCall,
} from './behaviour-window.ts';
import { THROTTLES_MAX, type Throttles, type ThrottleTarget } from './throttles.ts';

/** How limits tighten and relax. */
export interface BehaviourOptions extends BehaviourThresholds {
  readonly windowMs: number;
  /** What a step leaves of the limits that held before it; between 0 and 1. */
  readonly step: number;
  /** Least share of the limits. */
  readonly floor: number;
  /** Time without a cause after which one step is taken back. */
  readonly relaxAfterMs: number;
  /** Callers looked at; of more, those not heard of for longest are begun anew. */
  readonly callersMax: number;
}

/** A change of what a caller is held to. */
export interface BehaviourChange {
  readonly target: ThrottleTarget;
  readonly direction: 'tightened' | 'relaxed';
  /** What it was tightened for last. */
  readonly cause: BehaviourCause;
  /** What it is held to now; 1 where the limits are whole again. */
  readonly factor: number;
}

export interface BehaviourDeps {
  readonly throttles: Throttles;
  /** Units: milliseconds since the epoch. */
  readonly now: () => number;
  readonly onChange: (change: BehaviourChange) => void;
}

interface Tightened {
  readonly target: ThrottleTarget;
  steps: number;
  cause: BehaviourCause;
  untilMs: number;
}

/** Callers held to less at once; as many as there are throttles. Of more, none is held that is not yet. */
const TIGHTENED_MAX = THROTTLES_MAX;
const RELAX_EVERY_MS = 1000;

/**
 * Tightens the limits of callers by what they do, step by step, and relaxes them by and by.
 * Invariant: what one caller does moves no other; who is held to less is not forgotten for callers that come.
 */
export class BehaviourWatch {
  readonly #options: BehaviourOptions;
  readonly #deps: BehaviourDeps;
  /** Those heard of last are at the end. */
  readonly #windows = new Map<string, BehaviourWindow>();
  readonly #tightened = new Map<string, Tightened>();
  /** Changes so far, by their cause and then their direction. */
  readonly #changes = new Map<BehaviourCause, Record<BehaviourChange['direction'], number>>();
  #relaxAtMs = 0;

  constructor(options: BehaviourOptions, deps: BehaviourDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Callers looked at. */
  get callers(): number {
    return this.#windows.size;
  }

  /** Callers held to less. */
  get tightened(): number {
    return this.#tightened.size;
  }

  /** How often limits changed since the start, by cause and direction. */
  *changes(): Iterable<
    readonly [readonly [cause: BehaviourCause, direction: BehaviourChange['direction']], number]
  > {
    for (const [cause, counts] of this.#changes) {
      yield [[cause, 'tightened'], counts.tightened];
      yield [[cause, 'relaxed'], counts.relaxed];
    }
  }

  /** Takes a call into account; `key` names the caller that `target` is. */
  observe(key: string, target: ThrottleTarget, call: ObservedCall): void {
    const nowMs = this.#deps.now();
    if (nowMs >= this.#relaxAtMs || nowMs < this.#relaxAtMs - RELAX_EVERY_MS) this.#relax(nowMs);
    const cause = this.#windowOf(key).observe(call, this.#options, {
      nowMs,
      windowMs: this.#options.windowMs,
    });
    if (cause !== null) this.#tighten(key, target, { cause, nowMs });
  }

  #windowOf(key: string): BehaviourWindow {
    const known = this.#windows.get(key);
    if (known !== undefined) {
      this.#windows.delete(key);
      this.#windows.set(key, known);
      return known;
    }
    if (this.#windows.size >= this.#options.callersMax) {
      const [oldest] = this.#windows.keys();
      if (oldest !== undefined) this.#windows.delete(oldest);
    }
    const window = new BehaviourWindow();
    this.#windows.set(key, window);
    return window;
  }

  #tighten(
    key: string,
    target: ThrottleTarget,
    { cause, nowMs }: { readonly cause: BehaviourCause; readonly nowMs: number },
  ): void {
    const { floor, step, relaxAfterMs } = this.#options;
    const held = this.#tightened.get(key) ?? { target, steps: 0, cause, untilMs: 0 };
    if (held.steps === 0 && this.#tightened.size >= TIGHTENED_MAX) return;
    if (step ** held.steps > floor) held.steps += 1;
    held.cause = cause;
    held.untilMs = nowMs + relaxAfterMs;
    this.#tightened.set(key, held);
    this.#apply(held, 'tightened');
  }

  #relax(nowMs: number): void {
    this.#relaxAtMs = nowMs + RELAX_EVERY_MS;
    for (const [key, held] of this.#tightened) {
      if (held.untilMs > nowMs) continue;
      held.steps -= 1;
      held.untilMs = nowMs + this.#options.relaxAfterMs;
      if (held.steps === 0) this.#tightened.delete(key);
      this.#apply(held, 'relaxed');
    }
  }

  #apply({ target, steps, cause, untilMs }: Tightened, direction: BehaviourChange['direction']): void {
    const { floor, step, relaxAfterMs } = this.#options;
    const factor = Math.max(floor, step ** steps);
    // Nobody is held for longer than it takes to relax step by step, though nobody calls meanwhile.
    this.#deps.throttles.set(target, factor, untilMs + steps * relaxAfterMs);
    const counts = this.#changes.get(cause) ?? { tightened: 0, relaxed: 0 };
    counts[direction] += 1;
    this.#changes.set(cause, counts);
    this.#deps.onChange({ target, direction, cause, factor });
  }
}
