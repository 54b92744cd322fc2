import type { ErrorDetail } from '../errors.ts';
import { bothConstraints } from './constraint.ts';
import type { Implementations } from './implementations.ts';
import type { Constraint, Requirement } from './policy.ts';
import { bothRequirements, NO_REQUIREMENT, sameRequirement } from './requirement.ts';

/**
 * Adds rules of interfaces to their implementations, unless composition derived them from there.
 * Source: since 2.12 composition refuses rules written on interfaces and writes onto each the AND of its implementations'
 * rules; concrete types are judged, so that rule adds nothing. Older compositions kept a rule written on the interface
 * alone, and an inline fragment on an implementation walked around it. A rule that is not exactly that AND is such a one.
 * Invariant: only adds. An older rule that equals the AND cannot be told from a derived one, and is read as derived.
 */
export function carryRequirements(
  target: Map<string, Requirement>,
  rules: ReadonlyMap<string, Requirement>,
  implementations: Implementations,
): ErrorDetail[] {
  const faults: ErrorDetail[] = [];
  const written = new Map(target);
  // Composition derives no step-up, so that part is told apart from what it may have derived.
  const parts = [...rules].flatMap(([origin, { stepUps, ...rule }]) => [
    [origin, rule as Requirement] as const,
    ...(stepUps === undefined ? [] : [[origin, { ...NO_REQUIREMENT, stepUps }] as const]),
  ]);
  for (const [origin, rule] of parts) {
    const coordinates = implementing(origin, implementations);
    try {
      const all = coordinates.map((coordinate) => written.get(coordinate) ?? NO_REQUIREMENT);
      const { stepUps: _, ...derived } = all.reduce(bothRequirements, NO_REQUIREMENT);
      if (sameRequirement(rule, derived)) continue;
      for (const coordinate of coordinates) {
        target.set(coordinate, bothRequirements(target.get(coordinate) ?? NO_REQUIREMENT, rule));
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      faults.push({ message: `${origin}: with the rules of its implementations, ${error.message}` });
    }
  }
  return faults;
}

/** Adds constraints on arguments of interface fields to the same arguments of every implementation. */
export function carryConstraints(
  target: Map<string, Constraint>,
  rules: ReadonlyMap<string, Constraint>,
  implementations: Implementations,
): ErrorDetail[] {
  const faults: ErrorDetail[] = [];
  for (const [origin, rule] of rules) {
    for (const coordinate of implementing(origin, implementations)) {
      const own = target.get(coordinate);
      const both = own === undefined ? rule : bothConstraints(own, rule);
      if (typeof both === 'string') faults.push({ message: `${coordinate} and ${origin}: ${both}` });
      else target.set(coordinate, both);
    }
  }
  return faults;
}

/** The coordinates in implementations that correspond to one of an interface: `I.f(a:)` gives `A.f(a:)`, `B.f(a:)`. */
export function implementing(origin: string, implementations: Implementations): string[] {
  const [interfaceName = ''] = origin.split('.', 1);
  const suffix = origin.slice(interfaceName.length);
  return [...(implementations.get(interfaceName) ?? [])].map((object) => `${object}${suffix}`);
}
