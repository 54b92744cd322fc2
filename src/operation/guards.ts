import {
  type GraphQLField,
  type GraphQLInputType,
  getNamedType,
  isInputObjectType,
  isListType,
  isNonNullType,
  Kind,
  type ValueNode,
} from 'graphql';
import type { Requirement, SecurityPolicy } from '../supergraph/policy.ts';
import type { When } from './condition.ts';
import { anyOf, both } from './condition-table.ts';
import type { ExpandedOperation, FieldUse, Position } from './expand.ts';
import { inputNodes, inputTypes } from './input-nodes.ts';
import type { Guard, SelectedField } from './operation.ts';

/** Every requirement that an operation meets, and where. */
export interface GuardedOperation extends ExpandedOperation {
  readonly guards: readonly Guard[];
  readonly selected: readonly SelectedField[];
  /** Guards of a field use on one concrete parent type; last the one that a switch on the field fails. */
  guardsOf(use: FieldUse, typeName: string): readonly number[];
  /** Guard of objects of one concrete type at an abstract position, where something is selected on it. */
  typeGuardOf(position: Position, typeName: string): number | null;
}

const NONE: readonly number[] = Object.freeze([]);

/**
 * Finds what each part of an operation requires: its field's rule, its return type's, its root type's, and those of the
 * protected scalars and enums that its arguments carry. Concrete types are judged, never the interface alone.
 * Source: Apollo's field authorization; inline fragments walk around rules that are judged on interfaces only.
 */
export function guardOperation(
  expanded: ExpandedOperation,
  policy: SecurityPolicy,
  needsCoverage = false,
): GuardedOperation {
  const guards = new GuardCollector(expanded, policy, needsCoverage);
  guards.visit(expanded.root, policy.types.get(expanded.root.typeName) ?? null);
  return {
    ...expanded,
    guards: guards.guards,
    selected: guards.selected,
    guardsOf: (use, typeName) => {
      const ruled = guards.ofUses.get(use)?.get(typeName) ?? NONE;
      const index = guards.ofSwitches.get(use)?.get(typeName);
      return index === undefined ? ruled : [...ruled, guards.guards.length + index];
    },
    typeGuardOf: (position, typeName) => guards.ofPositions.get(position)?.get(typeName) ?? null,
  };
}

class GuardCollector {
  readonly guards: Guard[] = [];
  readonly selected: SelectedField[] = [];
  readonly ofSwitches = new Map<FieldUse, Map<string, number>>();
  readonly ofUses = new Map<FieldUse, Map<string, number[]>>();
  readonly ofPositions = new Map<Position, Map<string, number>>();
  readonly #expanded: ExpandedOperation;
  readonly #policy: SecurityPolicy;
  readonly #needsCoverage: boolean;
  readonly #indexes = new Map<string, number>();
  readonly #selections = new Map<string, number>();

  constructor(expanded: ExpandedOperation, policy: SecurityPolicy, needsCoverage: boolean) {
    this.#expanded = expanded;
    this.#needsCoverage = needsCoverage;
    this.#policy = policy;
  }

  visit(position: Position, parentRule: Requirement | null): void {
    for (const use of position.uses) {
      const ofTypes = new Map<string, number[]>();
      for (const [typeName, field] of use.on) {
        const indexes = this.#guardsOfField(use, typeName, field);
        if (parentRule !== null) indexes.push(this.#index(parentRule, anyOf([use.when])));
        // Last, so that a rule of the schema is the reason where both refuse.
        if (this.#needsCoverage && !use.name.startsWith('__') && !typeName.startsWith('__'))
          indexes.push(this.#index(null, anyOf([use.when]), `${typeName}.${use.name}`));
        if (indexes.length > 0) ofTypes.set(typeName, indexes);
      }
      if (ofTypes.size > 0) this.ofUses.set(use, ofTypes);
      this.#select(use);
      if (use.children === null) continue;
      if (use.children.abstract) this.#guardTypes(use.children);
      this.visit(use.children, null);
    }
  }

  /** Notes where a field is selected, so that it can be switched off without compiling anew. */
  #select(use: FieldUse): void {
    if (use.name.startsWith('__')) return;
    const when = anyOf([use.when]);
    const ofTypes = new Map<string, number>();
    for (const typeName of use.on.keys()) {
      if (typeName.startsWith('__')) continue;
      const coordinate = `${typeName}.${use.name}`;
      const key = `${coordinate}#${when === null ? '' : JSON.stringify(when)}`;
      const known = this.#selections.get(key) ?? this.selected.push({ coordinate, when }) - 1;
      this.#selections.set(key, known);
      ofTypes.set(typeName, known);
    }
    this.ofSwitches.set(use, ofTypes);
  }

  #guardsOfField(use: FieldUse, typeName: string, field: GraphQLField<unknown, unknown>): number[] {
    const when = anyOf([use.when]);
    const indexes: number[] = [];
    const fieldRule = this.#policy.fields.get(`${typeName}.${use.name}`);
    if (fieldRule !== undefined) indexes.push(this.#index(fieldRule, when));
    // Objects behind an abstract position are judged one by one, once their type is known.
    const returnRule = use.children?.abstract
      ? undefined
      : this.#policy.types.get(getNamedType(field.type).name);
    if (returnRule !== undefined) indexes.push(this.#index(returnRule, when));
    for (const argument of use.node.arguments ?? []) {
      const type = field.args.find(({ name }) => name === argument.name.value)?.type;
      if (type !== undefined) this.#guardsOfInput(argument.value, type, when, indexes);
    }
    return indexes;
  }

  #guardsOfInput(value: ValueNode, type: GraphQLInputType, when: When, indexes: number[]): void {
    if (value.kind === Kind.NULL) return;
    if (value.kind === Kind.VARIABLE) {
      this.#guardsOfVariable(value.name.value, type, when, indexes);
      return;
    }
    if (isNonNullType(type) || isListType(type)) {
      const items = isListType(type) && value.kind === Kind.LIST ? value.values : [value];
      for (const item of items) this.#guardsOfInput(item, type.ofType, when, indexes);
      return;
    }
    const rule = this.#policy.types.get(type.name);
    if (rule !== undefined) indexes.push(this.#index(rule, when));
    if (!isInputObjectType(type) || value.kind !== Kind.OBJECT) return;
    for (const field of value.fields) {
      const fieldType = type.getFields()[field.name.value]?.type;
      if (fieldType !== undefined) this.#guardsOfInput(field.value, fieldType, when, indexes);
    }
  }

  #guardsOfVariable(variable: string, type: GraphQLInputType, when: When, indexes: number[]): void {
    for (const rule of this.#rulesBelow(type)) {
      const nodes = inputNodes(type, (name) => this.#policy.types.get(name) === rule);
      const carries = this.#expanded.conditions.index({ kind: 'carries', variable, nodes });
      indexes.push(this.#index(rule, both(when, carries)));
    }
  }

  /** The rules of a type and of all that its values may hold. */
  #rulesBelow(type: GraphQLInputType): Set<Requirement> {
    const rules = new Set<Requirement>();
    for (const named of inputTypes(type)) {
      const rule = this.#policy.types.get(named.name);
      if (rule !== undefined) rules.add(rule);
    }
    return rules;
  }

  #guardTypes(position: Position): void {
    const ofTypes = new Map<string, number>();
    for (const typeName of position.types) {
      const rule = this.#policy.types.get(typeName);
      if (rule === undefined) continue;
      const whens = position.uses.filter((use) => use.on.has(typeName)).map((use) => use.when);
      if (whens.length > 0) ofTypes.set(typeName, this.#index(rule, anyOf(whens)));
    }
    if (ofTypes.size > 0) this.ofPositions.set(position, ofTypes);
  }

  #index(requirement: Requirement | null, when: When, covers?: string): number {
    const key = JSON.stringify([requirement, when, covers]);
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    const index =
      this.guards.push(covers === undefined ? { requirement, when } : { requirement, when, covers }) - 1;
    this.#indexes.set(key, index);
    return index;
  }
}
