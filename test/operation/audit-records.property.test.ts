import fc from 'fast-check';
import {
  execute,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  getNamedType,
  isAbstractType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  validate,
} from 'graphql';
import { expect, it } from 'vitest';
import { type CoordinateRecord, coordinateRecords } from '../../src/audit/coordinate-records.ts';
import { auditEvent } from '../../src/audit/recorder.ts';
import { authorize } from '../../src/authorization/authorize.ts';
import { leafChecks } from '../../src/execution/leaf-values.ts';
import { NOTHING_SENSITIVE } from '../../src/execution/sensitive-values.ts';
import { shapeResult } from '../../src/execution/shape-result.ts';
import type { ObjectShape, TypeWrapper } from '../../src/operation/shape.ts';
import { coerceVariables } from '../../src/operation/variables.ts';
import { PARTS } from '../audit/fixtures.ts';
import { runs } from '../property-runs.ts';
import { compiled, DEFAULT_LIMITS, user } from './graph-kit.ts';
import { LIBRARY, SCOPES } from './library-graph.ts';
import { type Asked, collect, fieldOf, fieldRefused, fieldValue, type Thing, typeRefused } from './oracle.ts';
import { randomOperation } from './random-operation.ts';

const schema = LIBRARY.apiSchema;
const LIMITS = { ...DEFAULT_LIMITS, aliases: 10_000, rootFields: 10_000, directives: 10_000, height: 10_000 };
const RUNS = runs(150);

interface Told {
  readonly records: readonly CoordinateRecord[];
  /** How often each coordinate was resolved, as the resolvers say. */
  readonly resolved: ReadonlyMap<string, number>;
  readonly asked: Asked;
  /** True where a null took what had been resolved beside it. */
  readonly isCut: boolean;
}

/** Runs a random operation on resolvers that count, and takes what they answer through the gateway's own steps. */
async function tell(tape: readonly number[], scopes: readonly string[], seed: number): Promise<Told> {
  const { text, variables: given } = randomOperation(schema, tape);
  fc.pre(text.length < 3_000 && validate(schema, parse(text)).length === 0);
  const operation = compiled(LIBRARY, text, { limits: LIMITS });
  const variables = coerceVariables(operation, given, LIBRARY);
  const decision = await authorize(
    { operation, principal: user(...scopes), variables, grant: null, nowMs: 0 },
    { mode: 'filter', dryRun: false, introspection: 'permit' },
    { allows: () => false },
  );
  if (decision.effect !== 'permit' && decision.effect !== 'filter') throw new Error(decision.effect);
  const variant = await operation.planFor(decision.mask);
  const resolved = new Map<string, number>();
  const { data, errors } = run(variant.text ?? '{ __typename }', variables, { seed, resolved });
  const shaped = shapeResult(JSON.parse(JSON.stringify(data ?? {})), {
    ...{ shape: variant.shape, conditions: operation.conditions, variables, tenant: null },
    ...{ leafChecks: leafChecks(schema), failedSlots: [], masking: NOTHING_SENSITIVE },
  });
  const counts = variant.text === null ? null : shaped.counts;
  return {
    records: coordinateRecords(auditEvent({ ...PARTS, operation, variant, decision, counts })),
    resolved,
    asked: askedOf(text, variables, scopes),
    isCut: errors !== undefined || losesMore(variant.shape),
  };
}

function run(
  text: string,
  variables: Readonly<Record<string, unknown>>,
  { seed, resolved }: { readonly seed: number; readonly resolved: Map<string, number> },
) {
  return execute({
    schema,
    document: parse(text),
    variableValues: variables,
    rootValue: { __typename: 'Query', seed } satisfies Thing,
    fieldResolver: (parent: Thing, _args, _context, { parentType, fieldName }) => {
      const coordinate = `${parentType.name}.${fieldName}`;
      resolved.set(coordinate, (resolved.get(coordinate) ?? 0) + 1);
      const field = parentType.getFields()[fieldName];
      return field === undefined ? null : fieldValue(schema, parent, field);
    },
    typeResolver: (thing: Thing) => thing.__typename,
  }) as { readonly data: object | null; readonly errors?: unknown };
}

function askedOf(
  text: string,
  variables: Readonly<Record<string, unknown>>,
  scopes: readonly string[],
): Asked {
  const { definitions } = parse(text);
  const fragments = definitions.flatMap((each): [string, FragmentDefinitionNode][] =>
    each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each]] : [],
  );
  const operation = definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION);
  return {
    ...{ graph: LIBRARY, variables, scopes: new Set(scopes), fragments: new Map(fragments) },
    operation: operation as OperationDefinitionNode,
  };
}

/** True where what is refused may take more with it: a null of it is not allowed. */
function losesMore(shape: ObjectShape): boolean {
  const hasNonNull = ({ nonNull, item }: TypeWrapper): boolean =>
    nonNull || (item !== null && hasNonNull(item));
  return [...shape.types.values()].some(({ fields }) =>
    fields.some(({ denied, type, child }) => {
      if (denied !== null) return type.nonNull;
      if (child === null) return false;
      const refusesObjects = [...child.types.values()].some((each) => each.denied !== null);
      return (refusesObjects && hasNonNull(type)) || losesMore(child);
    }),
  );
}

/** Coordinates that are judged where variables leave them on, worked out without the gateway's own steps. */
function judged(asked: Asked): { readonly refused: Set<string>; readonly permitted: Set<string> } {
  const refused = new Set<string>();
  const permitted = new Set<string>();
  const visit = (type: GraphQLObjectType, set: SelectionSetNode, isRefused: boolean): void => {
    const fields = new Map<string, Parameters<typeof fieldRefused>[2][]>();
    collect(asked, type, set, fields);
    for (const node of [...fields.values()].flat()) {
      if (node.name.value === '__typename') continue;
      const field = fieldOf(type, node);
      const coordinate = `${type.name}.${field.name}`;
      if (isRefused || fieldRefused(asked, type.name, node, field)) {
        refused.add(coordinate);
        continue;
      }
      permitted.add(coordinate);
      const named = getNamedType(field.type);
      if (node.selectionSet === undefined) continue;
      if (!isAbstractType(named)) visit(named as GraphQLObjectType, node.selectionSet, false);
      else
        for (const below of schema.getPossibleTypes(named))
          visit(below, node.selectionSet, typeRefused(asked, below.name));
    }
  };
  visit(schema.getQueryType() as GraphQLObjectType, asked.operation.selectionSet, false);
  return { refused, permitted };
}

const tapes = fc.array(fc.nat(1_000_000), { minLength: 30, maxLength: 120 });
const someScopes = fc.subarray([...SCOPES]);
const property = (check: (told: Told) => void) =>
  fc.assert(
    fc.asyncProperty(tapes, someScopes, fc.nat(), async (tape, scopes, seed) =>
      check(await tell(tape, scopes, seed)),
    ),
    { numRuns: RUNS, endOnFailure: true },
  );

it('records of each coordinate how often resolvers say that it was resolved', async () => {
  let whole = 0;
  await property(({ records, resolved, isCut }) => {
    const told = new Map(
      records.flatMap((each) => (each.resolved > 0 ? [[each.coordinate, each.resolved]] : [])),
    );
    if (!isCut) {
      whole += 1;
      expect(told).toEqual(resolved);
    }
    for (const [coordinate, count] of told)
      expect(count, coordinate).toBeLessThanOrEqual(resolved.get(coordinate) ?? 0);
  });
  expect(whole).toBeGreaterThan(RUNS / 5);
});

it('records as refused what is refused wherever it is asked for, each with the rule, and nothing else', async () => {
  let refusals = 0;
  await property(({ records, asked }) => {
    const { refused, permitted } = judged(asked);
    const isSwitched = Object.keys(asked.variables).length > 0;
    for (const { coordinate, decision, rule, resolved } of records) {
      const isRefused = refused.has(coordinate) && !permitted.has(coordinate);
      if (isRefused) expect(resolved).toBe(0);
      if (decision === 'refuse') {
        refusals += 1;
        expect([permitted.has(coordinate), rule, resolved]).toEqual([false, expect.any(String), 0]);
      }
      // A table is made for all values of the variables: what they switch off may stand in it as permitted or refused.
      if (!isSwitched) expect([coordinate, decision === 'refuse']).toEqual([coordinate, isRefused]);
    }
  });
  expect(refusals).toBeGreaterThan(RUNS / 5);
});
