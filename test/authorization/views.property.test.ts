import fc from 'fast-check';
import { type GraphQLSchema, isObjectType, parse, validate } from 'graphql';
import { getVariableValues } from 'graphql/execution/values.js';
import { describe, expect, it } from 'vitest';
import { authorize } from '../../src/authorization/authorize.ts';
import { heldRequirements } from '../../src/authorization/held-requirements.ts';
import { coerceVariables } from '../../src/operation/variables.ts';
import { requiredCoordinates, visibleTo } from '../../src/supergraph/required-coordinates.ts';
import { viewSchema } from '../../src/supergraph/view-schema.ts';
import { compiled, DEFAULT_LIMITS, user } from '../operation/graph-kit.ts';
import { LIBRARY, SCOPES } from '../operation/library-graph.ts';
import { randomOperation } from '../operation/random-operation.ts';
import { runs } from '../property-runs.ts';

const UNLIMITED = {
  ...DEFAULT_LIMITS,
  aliases: 10_000,
  rootFields: 10_000,
  directives: 10_000,
  height: 10_000,
};
const NO_POLICIES = { allows: () => false };
const RUNS = runs(300);

/** The graph as callers with some scopes see it. */
function viewOf(scopes: readonly string[]): GraphQLSchema | null {
  const required = requiredCoordinates(LIBRARY.policy);
  const held = heldRequirements(required.requirements, user(...scopes), { policies: NO_POLICIES, nowMs: 0 });
  return viewSchema(LIBRARY.apiSchema, visibleTo(held, required));
}

/** Whether a text with its variables is valid on a schema. */
function isValid(schema: GraphQLSchema, text: string, variables: Readonly<Record<string, unknown>>): boolean {
  const document = parse(text);
  if (validate(schema, document).length > 0) return false;
  const [definition] = document.definitions;
  if (definition?.kind !== 'OperationDefinition') return false;
  return getVariableValues(schema, definition.variableDefinitions ?? [], variables).errors === undefined;
}

describe('whatever is valid on the view of a caller', () => {
  const tapes = fc.array(fc.nat(1_000_000), { minLength: 30, maxLength: 120 });

  it('runs for that caller, without anything but objects of types that the view does not have', async () => {
    let permitted = 0;
    await fc.assert(
      fc.asyncProperty(tapes, fc.subarray([...SCOPES]), async (tape, scopes) => {
        const view = viewOf(scopes);
        if (view === null) throw new Error('Nothing is visible.');
        const { text, variables } = randomOperation(view, tape);
        fc.pre(text.length < 3000 && isValid(view, text, variables));
        const operation = compiled(LIBRARY, text, { limits: UNLIMITED });
        const decision = await authorize(
          {
            ...{ operation, principal: user(...scopes), grant: null, nowMs: 0 },
            variables: coerceVariables(operation, variables, LIBRARY),
          },
          { mode: 'filter', dryRun: false, introspection: 'permit' },
          NO_POLICIES,
        );
        if (decision.effect === 'permit') permitted += 1;
        else {
          expect(decision.effect).toBe('filter');
          for (const { coordinate } of decision.reasons) {
            // An abstract field may lead to what the caller cannot name.
            expect(isObjectType(LIBRARY.apiSchema.getType(coordinate ?? ''))).toBe(true);
            expect(view.getType(coordinate ?? '')).toBeUndefined();
          }
        }
      }),
      { numRuns: RUNS },
    );
    expect(permitted).toBeGreaterThan(RUNS / 4);
  });
});
