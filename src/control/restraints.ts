import type { Principal } from '../identity/principal.ts';
import type { CallerTarget } from '../incidents/containment.ts';
import type { Restraint } from './restraint.ts';
import type { RestraintFacts } from './snapshot.ts';

/** What the request path asks of the restraints. */
export interface RestraintSource {
  /** What a caller is held to now; null where it is held to nothing. */
  of(principal: Principal): Restraint | null;
}

export interface RestraintOptions {
  /** What who has to authenticate anew has to prove. */
  readonly factors: readonly string[];
  /** Holds callers to a share of their limits until a time; a share of 1 lets them go. Null where nothing is limited. */
  readonly throttle: ((callers: CallerTarget, share: number, untilMs: number) => void) | null;
  /** Share of its limits that a throttled caller is left with. */
  readonly share: number;
  /** Units: milliseconds since the epoch. */
  now(): number;
}

const PARTS = ['tenant', 'application', 'issuer', 'subject', 'credential'] as const;
type Part = (typeof PARTS)[number];

/**
 * Whom incidents restrain, in memory; replaced whole.
 * Invariant: the end is judged by the clock at each request; nothing is looked at while nobody is restrained.
 */
export class Restraints implements RestraintSource {
  readonly #options: RestraintOptions;
  /** By the parts that callers are told by, then by caller. */
  #byParts: readonly {
    readonly parts: readonly Part[];
    readonly held: ReadonlyMap<string, readonly RestraintFacts[]>;
  }[] = [];
  #throttled: ReadonlyMap<string, RestraintFacts> = new Map();

  constructor(options: RestraintOptions) {
    this.#options = options;
  }

  /** Takes the place of all restraints before. */
  replace(facts: readonly RestraintFacts[]): void {
    const others = facts.filter(({ kind }) => kind !== 'throttle');
    const groups = Map.groupBy(others, ({ callers }) => partsOf(callers).join());
    this.#byParts = [...groups.values()].map((group) => {
      const parts = partsOf(group[0]?.callers ?? {});
      const keyOf = ({ callers }: RestraintFacts) => JSON.stringify(parts.map((part) => callers[part]));
      return { parts, held: Map.groupBy(group, keyOf) };
    });
    this.#throttle(facts.filter(({ kind }) => kind === 'throttle'));
  }

  of(principal: Principal): Restraint | null {
    if (this.#byParts.length === 0) return null;
    const now = this.#options.now();
    const live = this.#byParts.flatMap(({ parts, held }) => {
      const key = JSON.stringify(parts.map((part) => partOf(principal, part)));
      return (held.get(key) ?? []).filter(({ untilMs }) => now < untilMs);
    });
    if (live.length === 0) return null;
    const since = live.flatMap(({ kind, sinceMs }) => (kind === 'stepUp' ? [sinceMs] : []));
    return {
      isSuspended: live.some(({ kind }) => kind === 'suspend'),
      authenticatedSinceMs: since.length === 0 ? null : Math.max(...since),
      factors: this.#options.factors,
    };
  }

  /** Who is no longer among them is let go; two for the same caller hold until the later one ends. */
  #throttle(facts: readonly RestraintFacts[]): void {
    const { throttle, share, now } = this.#options;
    const wanted = new Map<string, RestraintFacts>();
    for (const each of facts) {
      const { callers } = each;
      // What is not given is not the same as a part that callers do not have.
      const parts = PARTS_AND_ADDRESS.filter((part) => callers[part] !== undefined);
      const key = JSON.stringify(parts.map((part) => [part, callers[part]]));
      const before = wanted.get(key);
      if (before === undefined || before.untilMs < each.untilMs) wanted.set(key, each);
    }
    const gone = [...this.#throttled].filter(([key]) => !wanted.has(key));
    this.#throttled = wanted;
    if (throttle === null) return;
    for (const [, { callers }] of gone) throttle(callers, 1, now());
    for (const { callers, untilMs } of wanted.values()) throttle(callers, share, untilMs);
  }
}

const PARTS_AND_ADDRESS = [...PARTS, 'ip'] as const;

function partsOf(callers: CallerTarget): readonly Part[] {
  return PARTS.filter((part) => callers[part] !== undefined);
}

/** Null where a caller has no such part. */
function partOf(principal: Principal, part: Part): string | null {
  return part === 'credential' ? principal.credentialId : principal[part];
}
