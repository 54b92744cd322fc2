import {
  type GraphQLInputType,
  getNamedType,
  isInputObjectType,
  isListType,
  isNonNullType,
  Kind,
  type ValueNode,
  valueFromAST,
} from 'graphql';
import type { Constraint, SecurityPolicy } from '../supergraph/policy.ts';
import type { FieldUse, Position } from './expand.ts';
import type { ConstrainedVariable } from './operation.ts';
import { violates } from './value-rules.ts';

type Constraints = SecurityPolicy['constraints'];

/** What the argument rules of an operation come to: literals that break one, and variables to judge per request. */
export interface ArgumentRules {
  readonly brokenBy: readonly string[];
  readonly variables: readonly ConstrainedVariable[];
}

/** Finds every argument under a rule; literals are judged at once, variables when their values are known. */
export function argumentRules(root: Position, constraints: Constraints): ArgumentRules {
  if (constraints.size === 0) return { brokenBy: [], variables: [] };
  const broken = new Set<string>();
  const variables = new Map<string, ConstrainedVariable>();

  const visitValue = (value: ValueNode, type: GraphQLInputType, coordinate: string): void => {
    if (value.kind === Kind.VARIABLE) {
      const variable = value.name.value;
      if (constraints.has(coordinate)) variables.set(`${variable} ${coordinate}`, { variable, coordinate });
      return;
    }
    const rule = constraints.get(coordinate);
    if (rule !== undefined && violates(rule, literalValue(value, type))) broken.add(coordinate);
    const named = getNamedType(type);
    for (const item of itemsOf(value)) {
      if (item.kind === Kind.VARIABLE && rule !== undefined) {
        variables.set(`${item.name.value} ${coordinate}`, { variable: item.name.value, coordinate });
      }
      if (item.kind !== Kind.OBJECT || !isInputObjectType(named)) continue;
      for (const field of item.fields) {
        const fieldType = named.getFields()[field.name.value]?.type;
        if (fieldType !== undefined) visitValue(field.value, fieldType, `${named.name}.${field.name.value}`);
      }
    }
  };

  const visit = (use: FieldUse): void => {
    for (const [typeName, field] of use.on) {
      for (const argument of use.node.arguments ?? []) {
        const type = field.args.find(({ name }) => name === argument.name.value)?.type;
        if (type !== undefined)
          visitValue(argument.value, type, `${typeName}.${use.name}(${argument.name.value}:)`);
      }
    }
    for (const child of use.children?.uses ?? []) visit(child);
  };
  for (const use of root.uses) visit(use);
  return { brokenBy: [...broken], variables: [...variables.values()] };
}

/** The items of a list, those of nested lists included; the value itself where it is none. */
function itemsOf(value: ValueNode): readonly ValueNode[] {
  return value.kind === Kind.LIST ? value.values.flatMap(itemsOf) : [value];
}

/** A literal as its type reads it, with null for each variable: those are judged by their own value. */
function literalValue(value: ValueNode, type: GraphQLInputType): unknown {
  if (value.kind === Kind.VARIABLE || value.kind === Kind.NULL) return null;
  if (isNonNullType(type)) return literalValue(value, type.ofType);
  if (isListType(type)) {
    const items = value.kind === Kind.LIST ? value.values : [value];
    return items.map((item) => literalValue(item, type.ofType));
  }
  return isInputObjectType(type) ? null : valueFromAST(value, type);
}

/**
 * Names the coordinates whose rule a coerced variable breaks: at the arguments that take it, and inside its input
 * objects wherever it goes.
 */
export function brokenByVariables(
  constraints: Constraints,
  given: {
    readonly constrained: readonly ConstrainedVariable[];
    readonly types: ReadonlyMap<string, GraphQLInputType>;
    readonly values: Readonly<Record<string, unknown>>;
  },
): string[] {
  if (constraints.size === 0) return [];
  const broken = new Set<string>();
  for (const { variable, coordinate } of given.constrained) {
    const rule = constraints.get(coordinate);
    if (rule !== undefined && violates(rule, given.values[variable])) broken.add(coordinate);
  }
  for (const [variable, type] of given.types) walkInput(given.values[variable], type, constraints, broken);
  return [...broken];
}

function walkInput(
  value: unknown,
  type: GraphQLInputType,
  constraints: ReadonlyMap<string, Constraint>,
  broken: Set<string>,
): void {
  if (value === null || value === undefined) return;
  if (isNonNullType(type)) {
    walkInput(value, type.ofType, constraints, broken);
  } else if (isListType(type)) {
    const items = Array.isArray(value) ? value : [value];
    for (const item of items) walkInput(item, type.ofType, constraints, broken);
  } else if (isInputObjectType(type)) {
    for (const field of Object.values(type.getFields())) {
      const item = Object.hasOwn(value, field.name) ? (value as Record<string, unknown>)[field.name] : null;
      const rule = constraints.get(`${type.name}.${field.name}`);
      if (rule !== undefined && violates(rule, item)) broken.add(`${type.name}.${field.name}`);
      walkInput(item, field.type, constraints, broken);
    }
  }
}
