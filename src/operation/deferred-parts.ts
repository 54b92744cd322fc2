import type { OperationDefinitionNode } from 'graphql';
import { GatewayError } from '../errors.ts';
import { buildShape, type ShapeRules } from './build-shape.ts';
import type { DeferredParts } from './deferred-part.ts';
import type { ExpandedOperation } from './expand.ts';
import type { OperationLimits } from './operation.ts';
import { type FetchesOfParts, fetchesOfParts } from './part-fetches.ts';
import { reaches, whenIn } from './part-uses.ts';
import type { Verdicts } from './verdicts.ts';

/**
 * Holds the deferred fragments of an operation to what may be deferred, each counted wherever it is spread.
 * Throws: MAX_DEFERRED_PARTS_LIMIT; GRAPHQL_VALIDATION_FAILED in a subscription and on the root of a mutation.
 * Source: GraphQL specification, incremental delivery, "Defer And Stream Directives Are Used On Valid Root Field".
 */
export function requireDeferrable(
  { deferrals, root }: ExpandedOperation,
  { operation }: Pick<OperationDefinitionNode, 'operation'>,
  { deferredParts: max = 0 }: Pick<OperationLimits, 'deferredParts'>,
): void {
  if (deferrals.length === 0) return;
  const isMisplaced =
    operation === 'subscription' ||
    (operation === 'mutation' && deferrals.some(({ position }) => position === root));
  if (isMisplaced) {
    const where = operation === 'subscription' ? 'in a subscription' : 'on the root fields of a mutation';
    throw new GatewayError('GRAPHQL_VALIDATION_FAILED', {
      details: [{ message: `Directive "@defer" cannot be used ${where}.` }],
    });
  }
  if (deferrals.length > max) throw new GatewayError('MAX_DEFERRED_PARTS_LIMIT');
}

export interface PlannedParts extends Pick<FetchesOfParts, 'plan' | 'tenantKeys' | 'schema'> {
  readonly verdicts: Verdicts;
  readonly rules: ShapeRules;
}

/** What is answered first, and what each deferred part adds to it. */
export function deferredParts(
  { root, deferrals }: ExpandedOperation,
  { verdicts, rules, ...planned }: PlannedParts,
): DeferredParts {
  const shapeOf = (target: number | null) =>
    buildShape(target === null ? root : (deferrals[target]?.position ?? root), verdicts, {
      ...rules,
      whenOf: (use) => whenIn(use, target, deferrals),
    });
  const targets = [null, ...deferrals.keys()];
  const shapes = targets.map((target) =>
    buildShape(root, verdicts, {
      ...rules,
      whenOf: (use) => (reaches(use, target, deferrals) ? use.when : null),
    }),
  );
  const [first = [], ...waits] = fetchesOfParts({ ...planned, shapes });
  return {
    primary: { shape: shapeOf(null), waitsFor: first },
    parts: deferrals.map(({ label, parent, variable, path }, index) => ({
      ...{ label, parent, variable, shape: shapeOf(index), waitsFor: waits[index] ?? [] },
      path: path.slice(parent === null ? 0 : (deferrals[parent]?.path.length ?? 0)),
    })),
  };
}
