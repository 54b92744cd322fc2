import {
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  Kind,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionNode,
  type SelectionSetNode,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
} from 'graphql';
import { GatewayError } from '../errors.ts';
import { ConditionTable } from './condition-table.ts';
import { type Deferring, deferralOf, withoutDefer } from './deferrals.ts';
import type { PartStep } from './deferred-part.ts';
import { SELECTIONS_CEILING } from './limits.ts';

/** A fragment around a field use, as written: its type condition and its directives. */
export interface Wrap {
  readonly typeCondition: string | null;
  /** Those that say when it is answered are not among them. */
  readonly directives: readonly DirectiveNode[];
}

/** One field selection of the expanded operation. */
export interface FieldUse {
  /** Unique in the operation. */
  readonly id: number;
  readonly key: string;
  readonly name: string;
  readonly node: FieldNode;
  /** Fragments between the parent field and this one, outermost first; shared by neighbours. */
  readonly wraps: readonly Wrap[];
  /** Concrete parent types it can apply to, with the field each has there. */
  readonly on: ReadonlyMap<string, GraphQLField<unknown, unknown>>;
  /** Conjunction of conditions, those of all enclosing selections included; empty means always. */
  readonly when: readonly number[];
  readonly children: Position | null;
  /** The innermost deferred part around it; null where there is none. */
  readonly part: number | null;
  /** True where it stands for some of the types that its fragments let through, so that each must be named. */
  readonly refined: boolean;
}

/** An object position: where it stands in the answer, which types it may hold, what is selected there. */
export interface Position {
  readonly typeName: string;
  readonly abstract: boolean;
  /** Concrete types possible here. */
  readonly types: readonly string[];
  readonly uses: readonly FieldUse[];
}

/** A deferred fragment, where it stands. */
export interface Deferral extends Deferring {
  /** Index of the one that it stands in; null where there is none. */
  readonly parent: number | null;
  readonly position: Position;
  /** From the root. */
  readonly path: readonly PartStep[];
}

export interface ExpandedOperation {
  readonly root: Position;
  readonly conditions: ConditionTable;
  readonly introspects: boolean;
  /** Every fragment that may be answered later, wherever it is spread. */
  readonly deferrals: readonly Deferral[];
}

interface Scope {
  readonly types: readonly string[];
  readonly wraps: readonly Wrap[];
  readonly when: readonly number[];
  /** True where the types are fewer than the fragments around let through. */
  readonly refined: boolean;
  /** The position that the selections stand at, and how it is reached from the root. */
  readonly at: Place;
  readonly part: number | null;
}

interface Place {
  readonly position: Position;
  readonly path: readonly PartStep[];
}

/** A position to be expanded. */
interface Wanted {
  readonly type: GraphQLNamedType;
  readonly types: readonly string[];
  readonly set: SelectionSetNode;
  readonly when: readonly number[];
  readonly path: readonly PartStep[];
  readonly part: number | null;
}

/**
 * Expands a validated operation: fragments inlined, each field with the concrete types it applies to and the conditions
 * it depends on; selections that a literal `@skip`/`@include` switches off are gone.
 * Throws: MAX_SELECTIONS_LIMIT; GraphQLError when a selection has no field, which validation rules out.
 */
export function expandOperation(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): ExpandedOperation {
  const rootType = schema.getRootType(operation.operation);
  if (rootType == null) throw new GraphQLError(`The schema has no ${operation.operation} type.`);
  const expander = new Expander(schema, fragments);
  const types = [rootType.name];
  const set = operation.selectionSet;
  const root = expander.position({ type: rootType, types, set, when: [], path: [], part: null });
  const { conditions, introspects, deferrals } = expander;
  return { root, conditions, introspects, deferrals };
}

class Expander {
  readonly conditions = new ConditionTable();
  readonly deferrals: Deferral[] = [];
  introspects = false;
  readonly #schema: GraphQLSchema;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #possible = new Map<string, readonly string[]>();
  #nextId = 0;

  constructor(schema: GraphQLSchema, fragments: ReadonlyMap<string, FragmentDefinitionNode>) {
    this.#schema = schema;
    this.#fragments = fragments;
  }

  position({ type, types, set, when, path, part }: Wanted): Position {
    const uses: FieldUse[] = [];
    const position = { typeName: type.name, abstract: isAbstractType(type), types, uses };
    this.#collect(set, { types, wraps: [], when, refined: false, at: { position, path }, part }, uses);
    return position;
  }

  #collect(set: SelectionSetNode, scope: Scope, uses: FieldUse[]): void {
    for (const selection of set.selections) {
      const when = this.conditions.conjunction(scope.when, selection.directives ?? []);
      if (when === 'never') continue;
      if (selection.kind === Kind.FIELD) {
        for (const same of this.#sameReturn(selection, { ...scope, when })) {
          const use = this.#use(selection, same);
          if (use !== null) uses.push(use);
        }
        continue;
      }
      const inner = this.#fragmentOf(selection);
      const types = inner.condition === null ? scope.types : this.#narrow(scope.types, inner.condition);
      if (types.length === 0) continue;
      const later = this.#deferred(selection, scope);
      const wrap: Wrap = {
        typeCondition: inner.condition,
        directives: withoutDefer(selection.directives ?? []),
      };
      const wraps = [...scope.wraps, wrap];
      const { at, part } = scope;
      this.#collect(inner.set, { types, wraps, when, refined: false, at, part: later ?? part }, uses);
    }
  }

  /** The part that a fragment is, where it may be answered later. */
  #deferred({ directives = [] }: SelectionNode, { at, part }: Scope): number | null {
    const deferral = deferralOf(directives, this.conditions);
    if (deferral === null) return null;
    return this.deferrals.push({ ...deferral, ...at, parent: part }) - 1;
  }

  #fragmentOf(selection: Exclude<SelectionNode, FieldNode>): {
    condition: string | null;
    set: SelectionSetNode;
  } {
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      return { condition: selection.typeCondition?.name.value ?? null, set: selection.selectionSet };
    }
    const fragment = this.#fragments.get(selection.name.value);
    if (fragment === undefined) throw new GraphQLError(`Unknown fragment "${selection.name.value}".`);
    return { condition: fragment.typeCondition.name.value, set: fragment.selectionSet };
  }

  /**
   * Splits a composite field by return type where concrete parent types refine it differently, so that each position
   * below has one type and what is refused there is judged for its own parents alone.
   */
  #sameReturn(node: FieldNode, scope: Scope): readonly Scope[] {
    if (node.selectionSet === undefined) return [scope];
    const groups = Map.groupBy(scope.types, (name) => this.#returnType(name, node).name);
    return groups.size <= 1
      ? [scope]
      : [...groups.values()].map((types) => ({ ...scope, types, refined: true }));
  }

  #returnType(typeName: string, node: FieldNode): GraphQLNamedType {
    return getNamedType(this.#field(typeName, node.name.value).type);
  }

  #use(node: FieldNode, scope: Scope): FieldUse | null {
    this.#nextId += 1;
    const id = this.#nextId;
    // Splitting by type makes more uses than the selections that were measured.
    if (id > SELECTIONS_CEILING) throw new GatewayError('MAX_SELECTIONS_LIMIT');
    const on = new Map<string, GraphQLField<unknown, unknown>>();
    for (const typeName of scope.types) on.set(typeName, this.#field(typeName, node.name.value));
    const first = on.values().next().value;
    if (first === undefined) return null;
    if (first === SchemaMetaFieldDef || first === TypeMetaFieldDef) this.introspects = true;
    const returned = getNamedType(first.type);
    return {
      id,
      key: node.alias?.value ?? node.name.value,
      name: node.name.value,
      node,
      wraps: scope.wraps,
      on,
      when: scope.when,
      refined: scope.refined,
      part: scope.part,
      children:
        node.selectionSet === undefined
          ? null
          : this.position({
              ...{ type: returned, types: this.#possibleTypes(returned.name), set: node.selectionSet },
              ...{ when: scope.when, part: scope.part, path: [...scope.at.path, stepOf(node, on, scope)] },
            }),
    };
  }

  #field(typeName: string, fieldName: string): GraphQLField<unknown, unknown> {
    if (fieldName === TypeNameMetaFieldDef.name) return TypeNameMetaFieldDef;
    const type = this.#schema.getType(typeName) as GraphQLObjectType;
    if (type === this.#schema.getQueryType()) {
      if (fieldName === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
      if (fieldName === TypeMetaFieldDef.name) return TypeMetaFieldDef;
    }
    const field = type.getFields()[fieldName];
    if (field === undefined) throw new GraphQLError(`Unknown field "${typeName}.${fieldName}".`);
    return field;
  }

  #narrow(types: readonly string[], condition: string): readonly string[] {
    const possible = this.#possibleTypes(condition);
    return types.every((name) => possible.includes(name))
      ? types
      : types.filter((name) => possible.includes(name));
  }

  #possibleTypes(typeName: string): readonly string[] {
    const cached = this.#possible.get(typeName);
    if (cached !== undefined) return cached;
    const type = this.#schema.getType(typeName);
    const names = isAbstractType(type)
      ? this.#schema.getPossibleTypes(type).map(({ name }) => name)
      : [typeName];
    this.#possible.set(typeName, names);
    return names;
  }
}

/** The step to what a field holds; it has types where not every object of its position has the field. */
function stepOf(node: FieldNode, on: FieldUse['on'], { at }: Scope): PartStep {
  const all = on.size === at.position.types.length;
  return { key: node.alias?.value ?? node.name.value, types: all ? null : [...on.keys()] };
}
