import {
  type ArgumentNode,
  type ConstValueNode,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  Kind,
  type NameNode,
  type ObjectFieldNode,
  type OperationDefinitionNode,
  typeFromAST,
  type ValueNode,
  type VariableDefinitionNode,
  type VariableNode,
} from 'graphql';
import type { HiddenInput, SecurityPolicy } from '../supergraph/policy.ts';
import type { FieldUse } from './expand.ts';
import { inputTypes } from './input-nodes.ts';
import type { FillNode, PrincipalInputs, VariableFill } from './operation.ts';
import { principalVariable } from './reserved-names.ts';

/** Hidden inputs by what they belong to: arguments by `Type.field`, input fields by their type. */
export type HiddenIndex = ReadonlyMap<string, ReadonlyMap<string, HiddenInput>>;

const COORDINATE = /^(\w+)\.(\w+)(?:\((\w+):\))?$/u;
const indexes = new WeakMap<SecurityPolicy['hidden'], HiddenIndex>();

/** Indexes the hidden inputs of a policy; once for each policy. */
export function hiddenIndexOf({ hidden }: Pick<SecurityPolicy, 'hidden'>): HiddenIndex {
  const known = indexes.get(hidden);
  if (known !== undefined) return known;
  const index = new Map<string, Map<string, HiddenInput>>();
  for (const [coordinate, input] of hidden) {
    const [, typeName = '', member = '', argument] = COORDINATE.exec(coordinate) ?? [];
    const owner = argument === undefined ? typeName : `${typeName}.${member}`;
    const inputs = index.get(owner) ?? new Map<string, HiddenInput>();
    index.set(owner, inputs.set(argument ?? member, input));
  }
  indexes.set(hidden, index);
  return index;
}

/**
 * The arguments of a field use with what is hidden from clients filled in, inside literals too; what a client's variable
 * brings is filled per request. Hidden arguments are the same on all types that a use applies to.
 */
export function filledArguments(use: FieldUse, hidden: HiddenIndex): readonly ArgumentNode[] {
  const given = use.node.arguments ?? [];
  if (hidden.size === 0) return given;
  const [[typeName, field] = []] = use.on;
  const visible = given.map((argument) => {
    const type = field?.args.find(({ name }) => name === argument.name.value)?.type;
    return type === undefined
      ? argument
      : { ...argument, value: filledValue(argument.value, type, { hidden, fill: variableNode }) };
  });
  const own = [...(hidden.get(`${typeName}.${use.name}`) ?? [])];
  return [
    ...visible,
    ...own.map(([name, input]) => ({
      kind: Kind.ARGUMENT as const,
      name: nameNode(name),
      value: variableNode(input),
    })),
  ];
}

/** Which fields are filled in a literal, and with what. */
interface LiteralFill {
  readonly hidden: HiddenIndex;
  readonly fill: (input: HiddenInput) => ValueNode;
}

function filledValue(value: ValueNode, type: GraphQLInputType, how: LiteralFill): ValueNode {
  if (isNonNullType(type)) return filledValue(value, type.ofType, how);
  if (isListType(type)) {
    return value.kind === Kind.LIST
      ? { ...value, values: value.values.map((item) => filledValue(item, type.ofType, how)) }
      : filledValue(value, type.ofType, how);
  }
  if (!isInputObjectType(type) || value.kind !== Kind.OBJECT) return value;
  const fields = value.fields.map((field) => {
    const fieldType = type.getFields()[field.name.value]?.type;
    return fieldType === undefined ? field : { ...field, value: filledValue(field.value, fieldType, how) };
  });
  const own = [...(how.hidden.get(type.name) ?? [])].map(
    ([name, input]): ObjectFieldNode => ({
      kind: Kind.OBJECT_FIELD,
      name: nameNode(name),
      value: how.fill(input),
    }),
  );
  return { ...value, fields: [...fields, ...own] };
}

function nameNode(value: string): NameNode {
  return { kind: Kind.NAME, value };
}

function variableNode(input: HiddenInput): VariableNode {
  return { kind: Kind.VARIABLE, name: nameNode(principalVariable(input)) };
}

/** Stands in a default value that never applies: coerced variables always hold it, filled in. */
const PLACEHOLDER: ConstValueNode = { kind: Kind.STRING, value: '' };

/** A client's variable as what runs declares it: subgraphs hold its default against types with the hidden fields. */
export function declaredVariable(
  definition: VariableDefinitionNode,
  { schema, hidden }: HiddenContext,
): VariableDefinitionNode {
  const type = typeFromAST(schema, definition.type);
  if (hidden.size === 0 || definition.defaultValue === undefined || !isInputType(type)) return definition;
  const filled = filledValue(definition.defaultValue, type, { hidden, fill: () => PLACEHOLDER });
  return { ...definition, defaultValue: filled as ConstValueNode };
}

/** The inputs that clients do not see, and the schema that they see. */
export interface HiddenContext {
  readonly schema: GraphQLSchema;
  readonly hidden: HiddenIndex;
}

/** What an operation takes from the principal, given the variables it uses; null where it takes nothing. */
export function principalInputsOf(
  used: ReadonlySet<string>,
  operation: OperationDefinitionNode,
  { schema, hidden }: HiddenContext,
): PrincipalInputs | null {
  if (hidden.size === 0) return null;
  const inputs = new Map(
    [...hidden.values()]
      .flatMap((members) => [...members.values()])
      .map((input) => [principalVariable(input), input]),
  );
  const variables = [...inputs].flatMap(([name, input]) => (used.has(name) ? [{ name, ...input }] : []));
  const fills = (operation.variableDefinitions ?? []).flatMap((definition): VariableFill[] => {
    const variable = definition.variable.name.value;
    const type = typeFromAST(schema, definition.type);
    const nodes = used.has(variable) && isInputType(type) ? fillNodes(type, hidden) : [];
    return nodes.length === 0 ? [] : [{ variable, nodes }];
  });
  return variables.length === 0 && fills.length === 0 ? null : { variables, fills };
}

/** Declares the variables that carry claims: never null, since nothing runs without them. */
export function principalDefinitions({ variables }: PrincipalInputs): VariableDefinitionNode[] {
  return variables.map((input) => ({
    kind: Kind.VARIABLE_DEFINITION,
    variable: variableNode(input),
    type: {
      kind: Kind.NON_NULL_TYPE,
      type: { kind: Kind.NAMED_TYPE, name: nameNode(input.typeName) },
    },
  }));
}

/** Describes where values of an input type hold objects with hidden fields, the type itself first; empty where nowhere. */
function fillNodes(type: GraphQLInputType, hidden: HiddenIndex): readonly FillNode[] {
  const start = getNamedType(type);
  const leads = (from: GraphQLInputType): boolean =>
    [...inputTypes(from)].some(({ name }) => hidden.has(name));
  if (!leads(start)) return [];
  const leading = [...inputTypes(start)].filter(leads);
  const at = new Map(leading.map((named, index) => [named.name, index]));
  return leading.map((named) => ({
    hidden: [...(hidden.get(named.name) ?? [])].map(([name, { claim }]) => [name, claim] as const),
    fields: isInputObjectType(named)
      ? Object.values(named.getFields()).flatMap(({ name, type: of }) => {
          const index = at.get(getNamedType(of).name);
          return index === undefined ? [] : [[name, index] as const];
        })
      : [],
  }));
}
