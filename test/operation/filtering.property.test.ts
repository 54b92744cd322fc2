import fc from 'fast-check';
import {
  execute,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  getNamedType,
  isAbstractType,
  Kind,
  type OperationDefinitionNode,
  OverlappingFieldsCanBeMergedRule,
  parse,
  print,
  type SelectionSetNode,
  specifiedRules,
  validate,
} from 'graphql';
import { afterAll, describe, expect, it } from 'vitest';
import { authorize } from '../../src/authorization/authorize.ts';
import { leafChecks } from '../../src/execution/leaf-values.ts';
import { NOTHING_SENSITIVE } from '../../src/execution/sensitive-values.ts';
import { shapeResult } from '../../src/execution/shape-result.ts';
import { createPlanner } from '../../src/operation/plan-operation.ts';
import { coerceVariables } from '../../src/operation/variables.ts';
import { runs } from '../property-runs.ts';
import { compiled, DEFAULT_LIMITS, user } from './graph-kit.ts';
import { LIBRARY, SCOPES } from './library-graph.ts';
import {
  type Asked,
  collect,
  expectedData,
  fieldOf,
  fieldRefused,
  fieldValue,
  type Thing,
  typeRefused,
} from './oracle.ts';
import { randomOperation } from './random-operation.ts';

const schema = LIBRARY.apiSchema;
const RUNS = runs(250);
const LENGTH_MAX = 3_000;
const UNLIMITED = {
  ...DEFAULT_LIMITS,
  aliases: 10_000,
  rootFields: 10_000,
  directives: 10_000,
  height: 10_000,
};
const tapes = fc.array(fc.nat(1_000_000), { minLength: 30, maxLength: 120 });
const someScopes = fc.subarray([...SCOPES]);

interface Case {
  readonly text: string;
  readonly scopes: readonly string[];
  readonly asked: Asked;
  readonly emitted: Asked | null;
  readonly shaped: (rootSeed: number) => unknown;
}

function askedOf(
  text: string,
  variables: Readonly<Record<string, unknown>>,
  scopes: readonly string[],
): Asked {
  const document = parse(text);
  const operation = document.definitions.find((d) => d.kind === Kind.OPERATION_DEFINITION);
  const fragments = document.definitions.flatMap((d): [string, FragmentDefinitionNode][] =>
    d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [],
  );
  return {
    graph: LIBRARY,
    operation: operation as OperationDefinitionNode,
    fragments: new Map(fragments),
    variables,
    scopes: new Set(scopes),
  };
}

function answerOf(text: string, variables: Readonly<Record<string, unknown>>, seed: number) {
  return execute({
    schema,
    document: parse(text),
    variableValues: variables,
    rootValue: { __typename: 'Query', seed } satisfies Thing,
    fieldResolver: (parent: Thing, _args, _context, info) => {
      const field = info.parentType.getFields()[info.fieldName];
      return field === undefined ? null : fieldValue(schema, parent, field);
    },
    typeResolver: (thing: Thing) => thing.__typename,
  }) as { readonly data: Record<string, unknown> | null };
}

const cases = new Map<string, Promise<Case>>();
// Else the files that come after this one carry them along.
afterAll(() => cases.clear());

/** Properties that draw alike look at the same cases, which are made once. */
function caseOf(tape: readonly number[], scopes: readonly string[]): Promise<Case> {
  const key = JSON.stringify([tape, scopes]);
  const made = cases.get(key) ?? makeCase(tape, scopes);
  cases.set(key, made);
  return made;
}

/** Takes a random operation through compilation, authorization and emission, as the gateway does. */
async function makeCase(tape: readonly number[], scopes: readonly string[]): Promise<Case> {
  const { text, variables: given } = randomOperation(schema, tape);
  fc.pre(text.length < LENGTH_MAX && validate(schema, parse(text)).length === 0);
  const operation = compiled(LIBRARY, text, { limits: UNLIMITED });
  const variables = coerceVariables(operation, given, LIBRARY);
  const decision = await authorize(
    { operation, principal: user(...scopes), variables, grant: null, nowMs: 0 },
    { mode: 'filter', dryRun: false, introspection: 'permit' },
    { allows: () => false },
  );
  if (decision.effect !== 'permit' && decision.effect !== 'filter') throw new Error(decision.effect);
  const variant = await operation.planFor(decision.mask);
  return {
    text,
    scopes,
    asked: askedOf(text, variables, scopes),
    emitted: variant.text === null ? null : askedOf(variant.text, variables, scopes),
    shaped: (seed) => {
      const data = variant.text === null ? null : answerOf(variant.text, variables, seed).data;
      if (data === null) return null;
      return shapeResult(JSON.parse(JSON.stringify(data)), {
        shape: variant.shape,
        conditions: operation.conditions,
        variables,
        leafChecks: leafChecks(schema),
        failedSlots: [],
        masking: NOTHING_SENSITIVE,
        tenant: null,
      });
    },
  };
}

/** Every field use that variables leave on, as a way of concrete types and keys; `__typename` left out. */
function activeUses(asked: Asked, permittedOnly: boolean): Set<string> {
  const uses = new Set<string>();
  const visit = (type: GraphQLObjectType, set: SelectionSetNode, way: string): void => {
    const fields = new Map<string, Parameters<typeof fieldRefused>[2][]>();
    collect(asked, type, set, fields);
    for (const [key, nodes] of fields) {
      for (const node of nodes) {
        const field = fieldOf(type, node);
        if (node.name.value === '__typename') continue;
        if (permittedOnly && fieldRefused(asked, type.name, node, field)) continue;
        const here = `${way}/${type.name}.${key}`;
        uses.add(here);
        const named = getNamedType(field.type);
        if (node.selectionSet === undefined) continue;
        const abstract = isAbstractType(named);
        for (const below of abstract ? schema.getPossibleTypes(named) : [named as GraphQLObjectType]) {
          if (abstract && permittedOnly && typeRefused(asked, below.name)) continue;
          visit(below, node.selectionSet, here);
        }
      }
    }
  };
  visit(schema.getQueryType() as GraphQLObjectType, asked.operation.selectionSet, '');
  return uses;
}

const property = (check: (each: Case) => void) =>
  fc.assert(
    fc.asyncProperty(tapes, someScopes, async (tape, scopes) => check(await caseOf(tape, scopes))),
    { numRuns: RUNS },
  );

describe('the document that runs', () => {
  it('validates against the schema of clients', async () => {
    // Fields told apart by concrete type may differ in nullability: the planner gives them aliases of its own.
    const rules = specifiedRules.filter((rule) => rule !== OverlappingFieldsCanBeMergedRule);
    await property(({ emitted }) => {
      if (emitted === null) return;
      const document = { kind: Kind.DOCUMENT, definitions: [emitted.operation] } as const;
      expect(validate(schema, document, rules)).toEqual([]);
    });
  });

  it('asks for nothing that the caller lacks', async () => {
    await property(({ emitted }) => {
      if (emitted === null) return;
      const permitted = activeUses(emitted, true);
      expect([...activeUses(emitted, false)].filter((use) => !permitted.has(use))).toEqual([]);
    });
  });

  it('loses nothing that the caller may have', async () => {
    await property(({ asked, emitted }) => {
      const kept = emitted === null ? new Set<string>() : activeUses(emitted, false);
      expect([...activeUses(asked, true)].filter((use) => !kept.has(use))).toEqual([]);
    });
  });

  it('can be planned', async () => {
    const plan = createPlanner(LIBRARY.strippedSdl);
    await fc.assert(
      fc.asyncProperty(tapes, someScopes, async (tape, scopes) => {
        const { emitted } = await caseOf(tape, scopes);
        if (emitted !== null) expect(() => plan(print(emitted.operation))).not.toThrow();
      }),
      { numRuns: runs(60) },
    );
  });

  it('is what was asked for where the caller has every scope', async () => {
    await fc.assert(
      fc.asyncProperty(tapes, async (tape) => {
        const { asked, emitted } = await caseOf(tape, SCOPES);
        expect(emitted === null ? null : activeUses(emitted, false)).toEqual(activeUses(asked, false));
      }),
      { numRuns: RUNS },
    );
  });
});

describe('the shaped answer', () => {
  it('is the answer of plain execution where the caller has every scope', async () => {
    await fc.assert(
      fc.asyncProperty(tapes, fc.nat(), async (tape, seed) => {
        const { text, asked, shaped } = await caseOf(tape, SCOPES);
        const plain = answerOf(text, asked.variables, seed).data;
        const found = shaped(seed) as { data: unknown } | null;
        expect(found?.data ?? null).toEqual(plain === null ? null : JSON.parse(JSON.stringify(plain)));
        expect(expectedData(asked, seed)).toEqual(found?.data ?? null);
      }),
      { numRuns: RUNS },
    );
  });

  it('is the full answer with the refused parts null and nulls propagated', async () => {
    await fc.assert(
      fc.asyncProperty(tapes, someScopes, fc.nat(), async (tape, scopes, seed) => {
        const { asked, emitted, shaped } = await caseOf(tape, scopes);
        if (emitted === null) {
          expect(activeUses(asked, true)).toEqual(new Set());
          return;
        }
        const found = shaped(seed) as { data: unknown; misfits: unknown[] } | null;
        expect(found?.data ?? null).toEqual(expectedData(asked, seed));
      }),
      { numRuns: RUNS },
    );
  });
});
