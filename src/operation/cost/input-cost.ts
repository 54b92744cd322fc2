import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputType,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isListType,
  Kind,
  type ValueNode,
} from 'graphql';
import type { FieldUse } from '../expand.ts';
import type { CostSchema } from './cost-schema.ts';
import { inputCost, sliceOfValue } from './evaluate-cost.ts';
import { type InputCost, NOT_A_SIZE, type Slice } from './formula.ts';
import type { NodeTable } from './node-table.ts';

type Valued = Pick<GraphQLArgument | GraphQLInputField, 'type' | 'defaultValue'>;

/** Cost of the arguments that one field use gives or leaves to their defaults, as a node of the table. */
export function argumentsCost(
  { use, typeName }: { readonly use: FieldUse; readonly typeName: string },
  costs: CostSchema,
  table: NodeTable,
): number {
  const terms = (use.on.get(typeName)?.args ?? []).map((argument) => {
    const given = use.node.arguments?.find(({ name }) => name.value === argument.name)?.value;
    const weight = costs.ofMember(typeName, `${use.name}(${argument.name}:)`);
    return valueCost(given, { ...argument, weight }, costs, table);
  });
  return table.sum(terms);
}

/** Describes what values of an input type cost; a weight given at the place counts in place of the type's own. */
function inputNodes(type: GraphQLInputType, weight: number | null, costs: CostSchema): readonly InputCost[] {
  const nodes: InputCost[] = [];
  const indexes = new Map<string, number>();
  const add = (of: GraphQLInputType, at: number | null): number => {
    const named = getNamedType(of);
    const key = `${named.name} ${at}`;
    const known = indexes.get(key);
    if (known !== undefined) return known;
    const isObject = isInputObjectType(named);
    const fields: (readonly [string, number])[] = [];
    const index = nodes.push({ weight: at ?? costs.ofType(named.name) ?? (isObject ? 1 : 0), fields }) - 1;
    indexes.set(key, index);
    if (!isObject) return index;
    for (const field of Object.values(named.getFields())) {
      fields.push([field.name, add(field.type, costs.ofMember(named.name, field.name))]);
    }
    return index;
  };
  add(type, weight);
  return nodes;
}

function valueCost(
  given: ValueNode | undefined,
  place: Valued & { readonly weight: number | null },
  costs: CostSchema,
  table: NodeTable,
): number {
  const { type, weight, defaultValue } = place;
  const named = getNamedType(type);
  if (given === undefined || given.kind === Kind.VARIABLE) {
    const nodes = inputNodes(type, weight, costs);
    const absent = inputCost(defaultValue, nodes, 0);
    if (given === undefined) return table.constant(absent);
    if (nodes.every((node) => node.weight === 0)) return table.constant(0);
    return table.add({ kind: 'input', variable: given.name.value, nodes, absent }, false);
  }
  if (given.kind === Kind.NULL) return table.constant(0);
  if (given.kind === Kind.LIST) {
    return table.sum(
      given.values.map((item) =>
        valueCost(item, { type: named, weight, defaultValue: undefined }, costs, table),
      ),
    );
  }
  const own = table.constant(weight ?? costs.ofType(named.name) ?? (isInputObjectType(named) ? 1 : 0));
  if (given.kind !== Kind.OBJECT || !isInputObjectType(named)) return own;
  const fields = Object.values(named.getFields()).map((field) => {
    const value = given.fields.find(({ name }) => name.value === field.name)?.value;
    return valueCost(value, { ...field, weight: costs.ofMember(named.name, field.name) }, costs, table);
  });
  return table.sum([own, ...fields]);
}

/** What one slicing argument says of a field use; null where the schema has no such argument for clients. */
export function sliceAt(use: FieldUse, typeName: string, path: readonly string[]): Slice | null {
  const [name = '', ...rest] = path;
  const argument = use.on.get(typeName)?.args.find((each) => each.name === name);
  if (argument === undefined) return null;
  const given = use.node.arguments?.find((each) => each.name.value === name)?.value;
  return sliceIn(given, argument, rest);
}

function sliceIn(given: ValueNode | undefined, place: Valued, path: readonly string[]): Slice | null {
  const byDefault = sliceOfValue(valueBelow(place.defaultValue, path));
  if (given === undefined) return { explicit: false, value: byDefault };
  if (given.kind === Kind.VARIABLE) return { variable: given.name.value, path, absent: byDefault };
  if (given.kind === Kind.NULL) return { explicit: true, value: null };
  const [name, ...rest] = path;
  const type = getNullableType(place.type);
  if (name === undefined) {
    if (given.kind === Kind.LIST) return { explicit: true, value: given.values.length };
    if (isListType(type)) return { explicit: true, value: 1 };
    const isNumber = given.kind === Kind.INT || given.kind === Kind.FLOAT;
    return { explicit: true, value: isNumber ? sliceOfValue(Number(given.value)) : NOT_A_SIZE };
  }
  if (given.kind !== Kind.OBJECT || !isInputObjectType(type)) return { explicit: true, value: NOT_A_SIZE };
  const field = type.getFields()[name];
  if (field === undefined) return null;
  return sliceIn(given.fields.find((each) => each.name.value === name)?.value, field, rest);
}

function valueBelow(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const name of path) {
    if (typeof at !== 'object' || at === null || Array.isArray(at)) return null;
    at = Object.hasOwn(at, name) ? (at as Record<string, unknown>)[name] : null;
  }
  return at;
}
