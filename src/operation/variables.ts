import {
  coerceInputValue,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputType,
  isNonNullType,
  typeFromAST,
  valueFromAST,
} from 'graphql';
import { GatewayError } from '../errors.ts';
import type { SecurityPolicy } from '../supergraph/policy.ts';
import { invalidArguments } from './compile.ts';
import { brokenByVariables } from './constraints.ts';
import type { CompiledOperation } from './operation.ts';
import { NOT_PLAIN, type PlainCoercion, plainCoercion } from './plain-coercion.ts';

/** The schema and rules that an operation's variables are held to. */
export interface VariableContext {
  readonly apiSchema: GraphQLSchema;
  readonly policy: SecurityPolicy;
}

interface Variable {
  readonly name: string;
  readonly type: GraphQLInputType;
  /** Undefined where the definition has no default. */
  readonly fallback: unknown;
  readonly coerce: PlainCoercion;
}

/** Faults told at once; more say nothing new and cost time. */
const FAULTS_MAX = 10;

const prepared = new WeakMap<CompiledOperation, readonly Variable[]>();

/**
 * Coerces the variables of a request: only declared ones, defaults applied, argument rules held.
 * Throws: BAD_USER_INPUT naming each variable and the place in it, never a value.
 */
export function coerceVariables(
  operation: CompiledOperation,
  given: Readonly<Record<string, unknown>>,
  context: VariableContext,
): Readonly<Record<string, unknown>> {
  const variables = prepared.get(operation) ?? prepare(operation, context.apiSchema);
  const values: Record<string, unknown> = Object.create(null);
  const faults: string[] = [];
  for (const { name, type, fallback, coerce } of variables) {
    const present = Object.hasOwn(given, name) && given[name] !== undefined;
    if (!present) {
      if (fallback !== undefined) values[name] = fallback;
      else if (isNonNullType(type))
        faults.push(`Variable "$${name}" of required type "${type}" was not provided.`);
      continue;
    }
    const plain = coerce(given[name]);
    if (plain !== NOT_PLAIN) {
      values[name] = plain;
      continue;
    }
    values[name] = coerceInputValue(given[name], type, (path) => {
      if (faults.length < FAULTS_MAX)
        faults.push(`Variable "$${name}" has an invalid value at "${[name, ...path].join('.')}".`);
    });
  }
  // A nullable variable with a default may stand where a Boolean must; null would leave open which side is judged.
  for (const condition of operation.conditions) {
    if (condition.kind !== 'is' || typeof values[condition.variable] === 'boolean') continue;
    faults.push(`Variable "$${condition.variable}" decides a directive and must not be null.`);
  }
  if (faults.length > 0)
    throw new GatewayError('BAD_USER_INPUT', { details: faults.map((message) => ({ message })) });
  const { constraints } = context.policy;
  if (constraints.size > 0) {
    const types = new Map(variables.map(({ name, type }) => [name, type]));
    const broken = brokenByVariables(constraints, { constrained: operation.constrained, types, values });
    if (broken.length > 0) throw invalidArguments(broken);
  }
  return values;
}

function prepare(operation: CompiledOperation, schema: GraphQLSchema): readonly Variable[] {
  const variables = operation.variableDefinitions.flatMap((definition): Variable[] => {
    const type = typeFromAST(schema, definition.type);
    if (!isInputType(type)) return [];
    const fallback =
      definition.defaultValue === undefined ? undefined : valueFromAST(definition.defaultValue, type);
    return [{ name: definition.variable.name.value, type, fallback, coerce: plainCoercion(type) }];
  });
  prepared.set(operation, variables);
  return variables;
}
