import {
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLSchema,
  getOperationAST,
  isInputType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';
import { NOT_PLAIN, type PlainCoercion, plainCoercion } from '../../src/operation/plain-coercion.ts';
import { type PlainPrint, plainPrint } from './plain-output.ts';
import { ownResolverOf, Replay } from './replayed-roots.ts';

/** An operation of one field that is executed by what was worked out of it before. */
export interface PlainOperation {
  /** What its field gets; null where a value is for the library to coerce, or to refuse. */
  argumentsFrom(variables: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | null;
  /** Resolves its field. Never rejects: what it throws is replayed to the library. */
  resolve(values: Readonly<Record<string, unknown>>, context: unknown): Promise<Replay>;
  /** The data as JSON; null where what it resolved to is for the library to complete. */
  print(resolved: Replay): string | null;
}

/** An argument, by the variable that it is given as. */
interface PlainArgument {
  readonly name: string;
  readonly variable: string;
  readonly coerce: PlainCoercion;
  readonly isRequired: boolean;
  /** Undefined where it has none. */
  readonly fallback: unknown;
}

/**
 * Works an operation out that is one root field, each of its arguments a variable, and below it fields that are read off their objects; null
 * for all others. Almost all fetches of a gateway from one place of its plan are like that.
 */
export function compilePlainOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null,
): PlainOperation | null {
  const operation = getOperationAST(document, operationName);
  if (operation == null || document.definitions.length > 1 || (operation.directives ?? []).length > 0)
    return null;
  const [node, ...others] = operation.selectionSet.selections;
  if (node?.kind !== 'Field' || others.length > 0 || (node.directives ?? []).length > 0) return null;
  const field = schema.getRootType(operation.operation)?.getFields()[node.name.value];
  const resolver = field === undefined ? null : ownResolverOf(field);
  if (field === undefined || resolver === null) return null;
  const args = argumentsOf(schema, operation, { node, field });
  const print = plainPrint(field.type, node.selectionSet);
  if (args === null || print === null) return null;
  return {
    argumentsFrom: (variables) => valuesOf(args, variables),
    resolve: (values, context) => Replay.of(() => resolver(undefined, values, context)),
    print: printing(node, print),
  };
}

function printing({ name, alias }: FieldNode, print: PlainPrint): PlainOperation['print'] {
  const start = `{"${(alias ?? name).value}":`;
  return ({ outcome }) => {
    const printed = 'value' in outcome ? print(outcome.value) : null;
    return printed === null ? null : `${start}${printed}}`;
  };
}

function argumentsOf(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  { node, field }: { readonly node: FieldNode; readonly field: GraphQLField<unknown, unknown> },
): readonly PlainArgument[] | null {
  const given = node.arguments ?? [];
  // One that is not given may have a default, which is for the library to know.
  if (given.length !== field.args.length || variableDefinitions.length !== given.length) return null;
  const plain: PlainArgument[] = [];
  for (const { name, value } of given) {
    const argument = field.args.find((each) => each.name === name.value);
    if (argument === undefined || value.kind !== 'Variable') return null;
    const variable = variableDefinitions.find((each) => each.variable.name.value === value.name.value);
    if (variable === undefined || variable.defaultValue !== undefined) return null;
    const type = typeFromAST(schema, variable.type as never);
    // Of another type than its argument it may be null where that must not be.
    if (!isInputType(type) || String(type) !== String(argument.type)) return null;
    const isRequired = isNonNullType(type);
    plain.push({
      ...{ name: name.value, variable: value.name.value, coerce: plainCoercion(type), isRequired },
      fallback: argument.defaultValue,
    });
  }
  return plain;
}

function valuesOf(args: readonly PlainArgument[], variables: Readonly<Record<string, unknown>>) {
  const values: Record<string, unknown> = {};
  for (const { name, variable, coerce, isRequired, fallback } of args) {
    if (!Object.hasOwn(variables, variable)) {
      if (isRequired) return null;
      if (fallback !== undefined) values[name] = fallback;
      continue;
    }
    const coerced = coerce(variables[variable]);
    if (coerced === NOT_PLAIN) return null;
    values[name] = coerced;
  }
  return values;
}
