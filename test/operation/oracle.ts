import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  isAbstractType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  TypeNameMetaFieldDef,
  type ValueNode,
} from 'graphql';
import type { Supergraph } from '../../src/supergraph/supergraph.ts';
import { lacks } from './library-graph.ts';

/** A random object as a subgraph would hold it. */
export interface Thing {
  readonly __typename: string;
  readonly seed: number;
}

export interface Asked {
  readonly graph: Supergraph;
  readonly operation: OperationDefinitionNode;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** Coerced. */
  readonly variables: Readonly<Record<string, unknown>>;
  readonly scopes: ReadonlySet<string>;
}

const BAD = Symbol('null where none may be');

/** A number that the field and its parent decide, so that the same field is the same whenever it is asked. */
function mix(seed: number, text: string): number {
  let hash = seed >>> 0;
  for (const char of text) hash = (Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) + 0x9e37) >>> 0;
  return hash;
}

/** The value of a field of a thing: random, and always the same. */
export function fieldValue(
  schema: GraphQLSchema,
  parent: Thing,
  field: GraphQLField<unknown, unknown>,
): unknown {
  const make = (type: GraphQLOutputType, seed: number): unknown => {
    if (isNonNullType(type)) return seed % 40 === 0 ? null : make(type.ofType, seed * 2 + 1);
    if (seed % 7 === 0) return null;
    if (isListType(type))
      return [0, 1, 2].slice(0, seed % 4).map((i) => make(type.ofType, mix(seed, `${i}`)));
    if (isLeafType(type))
      return type.name === 'Int' ? seed % 1000 : type.name === 'Role' ? 'ADMIN' : `v${seed}`;
    const possible = isAbstractType(type) ? schema.getPossibleTypes(type) : [type];
    const chosen = possible[mix(seed, 'type') % possible.length] as GraphQLObjectType;
    return { __typename: chosen.name, seed };
  };
  return make(field.type, mix(parent.seed, `${parent.__typename}.${field.name}`));
}

/**
 * What the answer must be, worked out object by object and without any of the gateway's own steps: fields of the concrete
 * type, each judged by rule, nulls propagated. With every scope it is plain execution.
 */
export function expectedData(asked: Asked, rootSeed: number): unknown {
  const { graph, operation } = asked;
  const schema = graph.apiSchema;

  const complete = (type: GraphQLOutputType, value: unknown, nodes: readonly FieldNode[]): unknown => {
    if (isNonNullType(type)) {
      const inner = complete(type.ofType, value, nodes);
      return inner === null ? BAD : inner;
    }
    if (value === null) return null;
    if (isListType(type)) {
      const items = (value as unknown[]).map((item) => complete(type.ofType, item, nodes));
      return items.includes(BAD) ? null : items;
    }
    if (isLeafType(type)) return value;
    const thing = value as Thing;
    const object = schema.getType(thing.__typename) as GraphQLObjectType;
    const fields = activeFields(asked, object, nodes);
    const refused = isAbstractType(type) && fields.size > 0 && typeRefused(asked, object.name);
    if (refused) return null;
    const data = objectOf(thing, object, fields);
    return data === BAD ? null : data;
  };

  const objectOf = (
    thing: Thing,
    object: GraphQLObjectType,
    fields: ReadonlyMap<string, readonly FieldNode[]>,
  ): unknown => {
    const data: Record<string, unknown> = {};
    for (const [key, nodes] of fields) {
      const field = fieldOf(object, nodes[0] as FieldNode);
      if (field === TypeNameMetaFieldDef) {
        data[key] = object.name;
        continue;
      }
      const refused = nodes.some((node) => fieldRefused(asked, object.name, node, field));
      const item = refused
        ? isNonNullType(field.type)
          ? BAD
          : null
        : complete(field.type, fieldValue(schema, thing, field), nodes);
      if (item === BAD) return BAD;
      data[key] = item;
    }
    return data;
  };

  const root = schema.getRootType(operation.operation) as GraphQLObjectType;
  const set: SelectionSetNode = operation.selectionSet;
  const fields = new Map<string, FieldNode[]>();
  collect(asked, root, set, fields);
  const data = objectOf({ __typename: root.name, seed: rootSeed }, root, fields);
  return data === BAD ? null : data;
}

/** Whether the caller lacks what objects of a concrete type ask for. */
export function typeRefused({ graph, scopes }: Asked, typeName: string): boolean {
  return lacks(scopes, graph.policy.types.get(typeName));
}

/** Whether the caller lacks what one field use on one concrete type asks for. */
export function fieldRefused(
  asked: Asked,
  parent: string,
  node: FieldNode,
  field: GraphQLField<unknown, unknown>,
): boolean {
  const { graph, scopes, variables } = asked;
  const schema = graph.apiSchema;
  if (lacks(scopes, graph.policy.fields.get(`${parent}.${field.name}`))) return true;
  const returned = getNamedType(field.type);
  if (!isAbstractType(returned) && typeRefused(asked, returned.name)) return true;
  const values = getArgumentValues(field, node, variables as Record<string, unknown>);
  for (const { name, type } of field.args) {
    const given = node.arguments?.find((argument) => argument.name.value === name)?.value;
    if (given !== undefined && inputRefused(asked, type, values[name])) return true;
  }
  if (!isAbstractType(returned)) return false;
  // A field that could only answer refused objects is refused itself.
  return schema.getPossibleTypes(returned).every((type) => {
    const fields = new Map<string, FieldNode[]>();
    if (node.selectionSet !== undefined) collect(asked, type, node.selectionSet, fields);
    return fields.size > 0 && typeRefused(asked, type.name);
  });
}

function inputRefused(asked: Asked, type: GraphQLInputType, value: unknown): boolean {
  if (value === null || value === undefined) return false;
  if (isNonNullType(type)) return inputRefused(asked, type.ofType, value);
  if (isListType(type)) return (value as unknown[]).some((item) => inputRefused(asked, type.ofType, item));
  if (typeRefused(asked, type.name)) return true;
  if (!isInputObjectType(type)) return false;
  return Object.values(type.getFields()).some((field) =>
    inputRefused(asked, field.type, (value as Record<string, unknown>)[field.name]),
  );
}

/** Field uses that apply to a concrete type, by response key. */
function activeFields(
  asked: Asked,
  type: GraphQLObjectType,
  nodes: readonly FieldNode[],
): ReadonlyMap<string, readonly FieldNode[]> {
  const fields = new Map<string, FieldNode[]>();
  for (const { selectionSet } of nodes) if (selectionSet) collect(asked, type, selectionSet, fields);
  return fields;
}

export function collect(
  asked: Asked,
  type: GraphQLObjectType,
  set: SelectionSetNode,
  fields: Map<string, FieldNode[]>,
): void {
  for (const selection of set.selections) {
    if (!isOn(selection.directives ?? [], asked.variables)) continue;
    if (selection.kind === Kind.FIELD) {
      const key = selection.alias?.value ?? selection.name.value;
      fields.set(key, [...(fields.get(key) ?? []), selection]);
      continue;
    }
    const inner =
      selection.kind === Kind.INLINE_FRAGMENT ? selection : asked.fragments.get(selection.name.value);
    if (inner === undefined) throw new Error('unknown fragment');
    const condition = asked.graph.apiSchema.getType(inner.typeCondition?.name.value ?? type.name);
    const applies = isObjectType(condition)
      ? condition === type
      : isAbstractType(condition) && asked.graph.apiSchema.isSubType(condition, type);
    if (applies) collect(asked, type, inner.selectionSet, fields);
  }
}

function isOn(
  directives: readonly {
    readonly name: { value: string };
    readonly arguments?: readonly { value: ValueNode }[];
  }[],
  variables: Readonly<Record<string, unknown>>,
): boolean {
  return directives.every(({ name, arguments: given }) => {
    const value = given?.[0]?.value;
    const decided =
      value?.kind === Kind.VARIABLE
        ? variables[value.name.value]
        : value?.kind === Kind.BOOLEAN && value.value;
    return decided === (name.value === 'include');
  });
}

export function fieldOf(type: GraphQLObjectType, node: FieldNode): GraphQLField<unknown, unknown> {
  if (node.name.value === '__typename') return TypeNameMetaFieldDef;
  const field = type.getFields()[node.name.value];
  if (field === undefined) throw new Error(`unknown field ${type.name}.${node.name.value}`);
  return field;
}
