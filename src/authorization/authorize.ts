import type { Grant } from '../control/grant.ts';
import type { Restraint } from '../control/restraint.ts';
import type { Switches } from '../control/switches.ts';
import type { ErrorCode } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import { conditionHolds, whenApplies } from '../operation/condition.ts';
import type { CompiledOperation, Guard } from '../operation/operation.ts';
import type { Decision, Reason } from './decision.ts';
import { failedRule } from './rules/failed-rule.ts';
import { restrainedBy } from './rules/restrained.ts';
import type { PolicyDecider, RuleContext } from './rules/rule.ts';
import { stepUp } from './rules/step-up.ts';
import { fieldsSwitchedOff, SWITCHED_OFF, stoppedBy } from './rules/switched-off.ts';

export interface AuthorizationOptions {
  /** `filter` removes what is refused, `reject` refuses the operation. */
  readonly mode: 'filter' | 'reject';
  /** Removes nothing and only reports. */
  readonly dryRun: boolean;
  readonly introspection: 'permit' | 'authenticated' | 'deny';
  /** Answers what is refused as what does not exist. Default: false. */
  readonly hideUnauthorized?: boolean;
}

export interface AuthorizationInput {
  readonly operation: CompiledOperation;
  readonly principal: Principal;
  /** Coerced, defaults applied. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** What the caller's subscriptions cover; null where none are asked for. */
  readonly grant: Grant | null;
  /** What is switched off for the caller; null or absent where nothing is. */
  readonly switches?: Switches | null;
  /** What incidents hold the caller to; null or absent where they do not. */
  readonly restraint?: Restraint | null;
  /** Units: milliseconds since the epoch. */
  readonly nowMs: number;
}

const PERMIT: Decision = Object.freeze({ effect: 'permit', mask: '', reasons: Object.freeze([]) });

const NONE: readonly number[] = Object.freeze([]);

const SUSPENDED: Reason = { rule: 'status', code: 'ACCESS_SUSPENDED', coordinate: null, path: null };

const NO_REASON: Reason = { rule: 'unknown-requirement', code: 'FORBIDDEN', coordinate: null, path: null };

/**
 * Decides what of an operation a principal may run, and says why not.
 * Invariant: a rule that throws denies; a requirement that no rule understands denies; the answer depends on the compiled
 * operation, the principal, its grant, the time, and the variables that switch selections, and on nothing else.
 * What is permitted as a whole, or denied as a whole, is decided at once.
 */
export function authorize(
  input: AuthorizationInput,
  options: AuthorizationOptions,
  policies: PolicyDecider,
): Decision | Promise<Decision> {
  const { operation, principal, variables, grant, switches = null, restraint = null, nowMs } = input;
  if (grant?.isSuspended === true) return { effect: 'deny', reasons: [SUSPENDED] };
  const restrained = restraint === null ? null : restrainedBy(restraint, principal, nowMs);
  if (restrained !== null) return { effect: 'deny', reasons: [restrained] };
  const stopped = switches === null ? null : stoppedBy(switches, operation);
  if (stopped !== null) return { effect: 'deny', reasons: [stopped] };
  const refused = operation.introspects ? introspectionRefusal(principal, options) : null;
  if (refused !== null) return { effect: 'deny', reasons: [refused] };
  if (operation.guards.length === 0 && switches === null) return PERMIT;

  const held = operation.conditions.map((condition) => conditionHolds(condition, variables));
  const context: RuleContext = { principal, operation, policies, nowMs };
  const uncovered = grant === null || grant.coversAll(operation) ? null : grant;
  const failed = new Map<number, string>();
  operation.guards.forEach((guard, index) => {
    const rule = failingRule(guard, held, context) ?? failingCoverage(guard, held, uncovered);
    if (rule !== null) failed.set(index, rule);
  });
  const off = switches === null ? NONE : fieldsSwitchedOff(switches, operation, held);
  if (failed.size === 0 && off.length === 0) return PERMIT;

  // What is switched off is off in a dry run too.
  const reportsOnly = options.dryRun && off.length === 0;
  if (options.dryRun && !reportsOnly) failed.clear();
  for (const index of off) failed.set(index, SWITCHED_OFF);
  return refusing(failed, input, { ...options, reportsOnly });
}

/** The decision where guards failed. */
async function refusing(
  failed: ReadonlyMap<number, string>,
  { operation, grant, principal }: AuthorizationInput,
  { mode, reportsOnly }: Pick<AuthorizationOptions, 'mode'> & { readonly reportsOnly: boolean },
): Promise<Decision> {
  const mask = [...failed.keys()].join('.');
  const reasons = await reasonsFor(operation, mask, { failed, grant, principal });
  // Invariant: a refusal has a reason; failed guards that remove nothing are a fault, and faults deny.
  if (reasons.length === 0) return { effect: 'deny', reasons: [NO_REASON] };
  if (reportsOnly) return { effect: 'permit', mask: '', reasons };
  return mode === 'reject' ? { effect: 'deny', reasons } : { effect: 'filter', mask, reasons };
}

function introspectionRefusal(principal: Principal, { introspection }: AuthorizationOptions): Reason | null {
  const anonymous = principal.kind === 'anonymous';
  if (introspection === 'permit' || (introspection === 'authenticated' && !anonymous)) return null;
  const code: ErrorCode = introspection === 'authenticated' ? 'UNAUTHENTICATED' : 'INTROSPECTION_DISABLED';
  return { rule: 'introspection', code, coordinate: null, path: null };
}

/** Name of the first rule that a guard fails; null where it passes or its selections are switched off. */
function failingRule(guard: Guard, held: readonly boolean[], context: RuleContext): string | null {
  const { requirement, when } = guard;
  return requirement === null || !whenApplies(when, held) ? null : failedRule(requirement, context);
}

/** Name of the rule that an uncovered coordinate fails; null where it is covered or switched off. */
function failingCoverage(guard: Guard, held: readonly boolean[], grant: Grant | null): string | null {
  if (grant === null || guard.covers === undefined || !whenApplies(guard.when, held)) return null;
  return grant.covers(guard.covers) ? null : 'subscription';
}

async function reasonsFor(
  operation: CompiledOperation,
  mask: string,
  {
    failed,
    grant,
    principal,
  }: Pick<AuthorizationInput, 'grant' | 'principal'> & {
    readonly failed: ReadonlyMap<number, string>;
  },
): Promise<readonly Reason[]> {
  const { removals } = await operation.planFor(mask);
  return removals.map(({ guard, coordinate, path }): Reason => {
    const rule = failed.get(guard) ?? 'unknown-requirement';
    if (rule === SWITCHED_OFF) return { rule, code: 'SWITCHED_OFF', coordinate, path };
    const { covers, requirement } = operation.guards[guard] ?? {};
    // Who has not authenticated at all has nothing to step up.
    const steps = rule === stepUp.name && principal.kind !== 'anonymous';
    if (steps && requirement?.stepUps !== undefined)
      return { rule, code: 'STEP_UP_REQUIRED', coordinate, path, stepUps: requirement.stepUps };
    if (covers === undefined || grant === null)
      return { rule, code: 'UNAUTHORIZED_FIELD_OR_TYPE', coordinate, path };
    return { rule, code: 'SUBSCRIPTION_REQUIRED', coordinate, path, products: grant.offers(covers) };
  });
}
