import { hash } from 'node:crypto';
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  parse,
} from 'graphql';
import { GatewayError } from '../errors.ts';
import type { SecurityPolicy } from '../supergraph/policy.ts';
import { auditedArguments } from './audited-arguments.ts';
import { auditedFields } from './audited-fields.ts';
import { buildShape } from './build-shape.ts';
import { carriedValues } from './carried-values.ts';
import { argumentRules } from './constraints.ts';
import { buildCost, type CostLine } from './cost/build-cost.ts';
import { CostSchema, type CostSettings } from './cost/cost-schema.ts';
import type { CostFormula } from './cost/formula.ts';
import { deferredParts, requireDeferrable } from './deferred-parts.ts';
import { emitDocument } from './emit-document.ts';
import { expandOperation, type FieldUse, type Position } from './expand.ts';
import { type GuardedOperation, guardOperation } from './guards.ts';
import { exceeded, SELECTIONS_CEILING } from './limits.ts';
import { countDirectives, countTokens, measureOperation } from './measure.ts';
import type { Measures, OperationFacts, OperationLimits, OperationVariant } from './operation.ts';
import type { Plan } from './plan.ts';
import type { Planner } from './plan-operation.ts';
import { detailOf, validateDocument } from './validate.ts';
import { judge, type Verdicts } from './verdicts.ts';

/** What compilation reads besides the text. */
export interface CompileContext {
  readonly supergraphId: string;
  readonly schema: GraphQLSchema;
  readonly policy: SecurityPolicy;
  readonly limits: OperationLimits;
  /** Null where the executor plans by itself. */
  readonly planner: Planner | null;
  /** Null where costs are not counted. */
  readonly cost: CostSettings | null;
  /** Whether each coordinate has to be covered by a subscription. */
  readonly coverage: boolean;
}

/** An operation understood, from which any variant of it can be written. */
export interface Understood {
  readonly facts: OperationFacts;
  /** Fills `lines`, where given, with what explains the cost. */
  variant(mask: string, lines?: CostLine[]): OperationVariant;
}

/**
 * Compiles one operation of a document: sizes before work, work before expansion.
 * Throws: GRAPHQL_PARSE_FAILED, OPERATION_RESOLUTION_FAILURE, GRAPHQL_VALIDATION_FAILED, BAD_USER_INPUT for a literal that
 * breaks an argument rule, and the limits' codes.
 */
export function compileOperation(
  text: string,
  operationName: string | null,
  context: CompileContext,
): Understood {
  const { schema, policy, limits } = context;
  const { document, operation, sizes } = validatedDocument(text, operationName, context);
  const expanded = expandOperation(schema, operation, fragmentsIn(document));
  const measures: Measures = { ...sizes, height: heightOf([expanded.root]) };
  const warnings = checked(measures, limits);
  requireDeferrable(expanded, operation, limits);
  const rules = argumentRules(expanded.root, policy.constraints);
  if (rules.brokenBy.length > 0) throw invalidArguments(rules.brokenBy);
  const guarded = guardOperation(expanded, policy, context.coverage);
  const coordinates = coordinatesOf(expanded.root);
  return {
    facts: {
      name: operation.name?.value ?? null,
      type: operation.operation,
      measures,
      warnings,
      coordinates,
      introspects: expanded.introspects,
      variableDefinitions: operation.variableDefinitions ?? [],
      conditions: guarded.conditions.conditions,
      guards: guarded.guards,
      selected: guarded.selected,
      constrained: rules.variables,
      auditedArguments: auditedArguments(expanded.root, coordinates, policy),
    },
    variant: (mask, lines) => {
      const id = hash('sha256', JSON.stringify([context.supergraphId, text, operationName, mask]), 'hex');
      return variantOf(guarded, { operation, mask, id, coordinates, context }, lines);
    },
  };
}

/** A document that fits a schema, and the operation in it that is to run. */
export interface ValidDocument {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly sizes: Omit<Measures, 'height'>;
}

/**
 * Reads a document and holds it to the limits, then to a schema.
 * Throws: GRAPHQL_PARSE_FAILED, OPERATION_RESOLUTION_FAILURE, GRAPHQL_VALIDATION_FAILED, and the limits' codes.
 */
export function validatedDocument(
  text: string,
  operationName: string | null,
  { schema, limits }: Pick<CompileContext, 'schema' | 'limits'>,
): ValidDocument {
  const tokensMax = limits.warnOnly ? Number.MAX_SAFE_INTEGER : limits.tokens;
  const tokens = syntax(() => countTokens(text, tokensMax));
  if (tokens > tokensMax) throw new GatewayError('MAX_TOKENS_LIMIT');
  const located = syntax(() => parse(text));
  const sizes = sizeOf(located, operationName, tokens, limits);
  validateDocument(schema, located, limits);

  // Locations served the errors; what follows crosses threads and must not drag the token list along.
  const document = parse(text, { noLocation: true });
  const operation = operationIn(document, operationName);
  // No rule of the specification asks for the root type, so a mutation passes on a schema that has none.
  if (schema.getRootType(operation.operation) == null) {
    const message = `The schema has no ${operation.operation} type.`;
    throw new GatewayError('GRAPHQL_VALIDATION_FAILED', { details: [{ message }] });
  }
  return { document, operation, sizes };
}

/** The refusal for values that break an argument rule; names the arguments, never the values. */
export function invalidArguments(coordinates: readonly string[]): GatewayError {
  return new GatewayError('BAD_USER_INPUT', {
    details: coordinates.map((coordinate) => ({
      message: `The value of "${coordinate}" breaks its constraint.`,
    })),
  });
}

interface WantedVariant {
  readonly id: string;
  readonly operation: OperationDefinitionNode;
  readonly mask: string;
  readonly coordinates: readonly string[];
  readonly context: CompileContext;
}

function variantOf(
  guarded: GuardedOperation,
  { id, operation, mask, coordinates, context }: WantedVariant,
  lines?: CostLine[],
): OperationVariant {
  const verdicts = judge(guarded, parseMask(mask));
  const { planner, schema, policy, cost } = context;
  const emitted = emitDocument(operation, guarded.root, { verdicts, schema, policy });
  const { text } = emitted;
  const costs = cost === null ? null : new CostSchema(schema, cost);
  const plan = text === null ? null : (planner?.(text) ?? null);
  const slots = new Map(coordinates.map((coordinate, slot) => [coordinate, slot]));
  const rules = { costs, policy, slots };
  const shape = buildShape(guarded.root, verdicts, rules);
  const carried = text === null ? [] : carriedValues(plan, { schema, policy });
  return {
    id,
    operationName: operation.name?.value ?? null,
    ...emitted,
    plan,
    shape,
    removals: verdicts.removals,
    audited: auditedFields({ shape, plan, coordinates }, { schema, policy }),
    ...(carried.length === 0 ? {} : { carried }),
    ...(guarded.deferrals.length > 0 && plan !== null
      ? {
          deferred: deferredParts(guarded, { verdicts, rules, plan, schema, tenantKeys: emitted.tenantKeys }),
        }
      : {}),
    cost: costs === null ? null : costOf(guarded, { operation, verdicts, plan, costs }, lines),
  };
}

interface Counted {
  readonly operation: OperationDefinitionNode;
  readonly verdicts: Verdicts;
  readonly plan: Plan | null;
  readonly costs: CostSchema;
}

function costOf(
  { root, conditions }: GuardedOperation,
  { operation, verdicts, plan, costs }: Counted,
  lines?: CostLine[],
): CostFormula {
  const input = { root, conditions: conditions.conditions, type: operation.operation, verdicts, plan };
  return buildCost(input, costs, lines);
}

function parseMask(mask: string): ReadonlySet<number> {
  return new Set(mask === '' ? [] : mask.split('.').map(Number));
}

function syntax<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof GraphQLError) {
      throw new GatewayError('GRAPHQL_PARSE_FAILED', { details: [detailOf(error)], cause: error });
    }
    throw error;
  }
}

function sizeOf(
  document: DocumentNode,
  operationName: string | null,
  tokens: number,
  limits: OperationLimits,
): Omit<Measures, 'height'> {
  const operation = operationIn(document, operationName);
  const additive = measureOperation(operation, fragmentsIn(document));
  const sizes = { tokens, directives: countDirectives(document), ...additive };
  checked(sizes, limits);
  if (sizes.selections > SELECTIONS_CEILING) throw new GatewayError('MAX_SELECTIONS_LIMIT');
  return sizes;
}

function checked(measures: Partial<Measures>, limits: OperationLimits): OperationFacts['warnings'] {
  const codes = exceeded(measures, limits);
  const [code] = codes;
  if (code !== undefined && !limits.warnOnly) throw new GatewayError(code);
  return codes;
}

function operationIn(document: DocumentNode, operationName: string | null): OperationDefinitionNode {
  const operations = document.definitions.filter((d) => d.kind === Kind.OPERATION_DEFINITION);
  const named = operations.filter(
    (operation) => operationName === null || operation.name?.value === operationName,
  );
  const [operation] = named;
  if (operation === undefined || named.length > 1) throw new GatewayError('OPERATION_RESOLUTION_FAILURE');
  return operation;
}

function fragmentsIn(document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  return new Map(
    document.definitions.flatMap((d) => (d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [])),
  );
}

/** Distinct response keys per parent, over the whole operation. */
function heightOf(positions: readonly Position[]): number {
  const byKey = Map.groupBy(
    positions.flatMap((position) => position.uses),
    (use) => use.key,
  );
  let height = byKey.size;
  for (const same of byKey.values()) {
    height += heightOf(same.flatMap((use) => (use.children === null ? [] : [use.children])));
  }
  return height;
}

function coordinatesOf(root: Position): string[] {
  const coordinates = new Set<string>();
  const visit = (use: FieldUse): void => {
    for (const typeName of use.on.keys()) {
      if (use.name !== '__typename' && !typeName.startsWith('__')) coordinates.add(`${typeName}.${use.name}`);
    }
    for (const child of use.children?.uses ?? []) visit(child);
  };
  for (const use of root.uses) visit(use);
  return [...coordinates];
}
