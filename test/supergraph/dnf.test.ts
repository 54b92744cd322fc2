import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { and, CONJUNCTIONS_MAX, implies, minimal } from '../../src/supergraph/dnf.ts';
import type { Dnf } from '../../src/supergraph/policy.ts';

const NAMES = ['a', 'b', 'c', 'd'];
const dnfs: fc.Arbitrary<Dnf> = fc.array(
  fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 }),
  { minLength: 1, maxLength: 4 },
);

/** Every set of names a caller could hold. */
const callers = Array.from(
  { length: 2 ** NAMES.length },
  (_, bits) => new Set(NAMES.filter((_name, index) => bits & (1 << index))),
);

function passes(dnf: Dnf, caller: ReadonlySet<string>): boolean {
  return dnf.some((conjunction) => conjunction.every((name) => caller.has(name)));
}

describe('and', () => {
  it('lets pass exactly the callers that pass both', () => {
    fc.assert(
      fc.property(dnfs, dnfs, (a, b) => {
        const both = and(a, b);
        for (const caller of callers) {
          expect(passes(both, caller)).toBe(passes(a, caller) && passes(b, caller));
        }
      }),
    );
  });

  it('is commutative, associative and idempotent', () => {
    fc.assert(
      fc.property(dnfs, dnfs, dnfs, (a, b, c) => {
        expect(and(a, b)).toEqual(and(b, a));
        expect(and(and(a, b), c)).toEqual(and(a, and(b, c)));
        expect(and(a, a)).toEqual(minimal(a));
      }),
    );
  });

  it('never lets everyone pass', () => {
    fc.assert(
      fc.property(dnfs, dnfs, (a, b) => {
        const both = and(a, b);
        expect(both.length).toBeGreaterThan(0);
        expect(both.every((conjunction) => conjunction.length > 0)).toBe(true);
      }),
    );
  });

  it('drops conjunctions that contain another one', () => {
    expect(and([['a'], ['b']], [['a']])).toEqual([['a']]);
  });

  it('takes a product of the most conjunctions allowed and throws RangeError for one more', () => {
    const list = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, n) => [`${prefix}${n}`]);
    expect(and(list('a', 32), list('b', CONJUNCTIONS_MAX / 32))).toHaveLength(CONJUNCTIONS_MAX);
    expect(() => and(list('a', 32), list('b', CONJUNCTIONS_MAX / 32 + 1))).toThrow(RangeError);
  });
});

describe('implies', () => {
  it('holds exactly where every caller that passes the first passes the second', () => {
    fc.assert(
      fc.property(dnfs, dnfs, (a, b) => {
        expect(implies(a, b)).toBe(callers.every((caller) => !passes(a, caller) || passes(b, caller)));
      }),
    );
  });

  it('holds from a product to both of its parts', () => {
    fc.assert(
      fc.property(dnfs, dnfs, (a, b) => {
        expect(implies(and(a, b), a)).toBe(true);
        expect(implies(and(a, b), b)).toBe(true);
      }),
    );
  });
});

describe('minimal', () => {
  it('lets the same callers pass', () => {
    fc.assert(
      fc.property(dnfs, (a) => {
        for (const caller of callers) expect(passes(minimal(a), caller)).toBe(passes(a, caller));
      }),
    );
  });
});
