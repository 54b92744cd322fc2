import type { Principal } from '../../identity/principal.ts';
import type { Requirement } from '../../supergraph/policy.ts';

/** Decides named policies for a principal and an operation. */
export interface PolicyDecider {
  allows(
    name: string,
    principal: Principal,
    operation: { readonly hash: string; readonly name: string | null; readonly type: string },
  ): boolean;
}

/** What a rule may look at. */
export interface RuleContext {
  readonly principal: Principal;
  readonly operation: { readonly hash: string; readonly name: string | null; readonly type: string };
  readonly policies: PolicyDecider;
  /** Units: milliseconds since the epoch. */
  readonly nowMs: number;
}

/** One kind of requirement: whether a field asks for it, and whether the caller meets it. */
export interface Rule {
  readonly name: string;
  /** True where it looks at the principal and nothing else, not even the time: its answer lasts as long as the principal. */
  readonly lasting?: true;
  applies(requirement: Requirement): boolean;
  holds(requirement: Requirement, context: RuleContext): boolean;
}
