import { type DirectiveNode, Kind } from 'graphql';
import type { ConditionTable } from './condition-table.ts';
import type { DeferredPart } from './deferred-part.ts';

/** What the directive of a fragment says. */
export interface Deferring extends Pick<DeferredPart, 'label' | 'variable'> {
  /** Condition under which it is not deferred; null where it always is. */
  readonly unless: number | null;
}

export const DEFER = 'defer';

/** The directives of a fragment without those that only say when it is answered. */
export function withoutDefer(directives: readonly DirectiveNode[]): readonly DirectiveNode[] {
  return directives.some(isDefer) ? directives.filter((each) => !isDefer(each)) : directives;
}

/** What a fragment's directives say of deferring it; null where they do not defer it. */
export function deferralOf(
  directives: readonly DirectiveNode[],
  conditions: ConditionTable,
): Deferring | null {
  const directive = directives.find(isDefer);
  if (directive === undefined) return null;
  const given = (name: string) => directive.arguments?.find((each) => each.name.value === name)?.value;
  const [condition, label] = [given('if'), given('label')];
  if (condition?.kind === Kind.BOOLEAN && !condition.value) return null;
  const variable = condition?.kind === Kind.VARIABLE ? condition.name.value : null;
  return {
    label: label?.kind === Kind.STRING ? label.value : null,
    variable,
    unless: variable === null ? null : conditions.index({ kind: 'unless', variable }),
  };
}

function isDefer({ name }: DirectiveNode): boolean {
  return name.value === DEFER;
}
