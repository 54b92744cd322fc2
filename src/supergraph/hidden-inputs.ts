import {
  type ConstValueNode,
  type DocumentNode,
  type InputValueDefinitionNode,
  Kind,
  parse,
  type SelectionSetNode,
} from 'graphql';
import type { ErrorDetail } from '../errors.ts';
import { directiveUses } from './directive-uses.ts';
import { faultAt } from './fault.ts';
import type { Implementations } from './implementations.ts';
import { directiveNameOf, type Link } from './link.ts';
import type { HiddenInput } from './policy.ts';
import { JOIN_IDENTITY } from './specs.ts';
import { namedTypeOf, type TypeIndex } from './type-index.ts';

type Hidden = ReadonlyMap<string, HiddenInput>;

/** What the checks of hidden inputs read. */
export interface HiddenInputContext {
  readonly document: DocumentNode;
  readonly links: readonly Link[];
  readonly types: TypeIndex;
  readonly implementations: Implementations;
}

/**
 * Hides what is hidden on an interface on everything that implements it, and tells where an input would reach a
 * subgraph without being filled: through an interface that shows it, a default value, or a key that gateways make.
 * Invariant: without faults, wherever a field is asked for, its hidden arguments are known by its name and that type's.
 */
export function carryHiddenInputs(
  target: Map<string, HiddenInput>,
  onInterfaces: Hidden,
  context: HiddenInputContext,
): ErrorDetail[] {
  if (target.size === 0 && onInterfaces.size === 0) return [];
  const { types, implementations } = context;
  const faults: ErrorDetail[] = [];
  for (const [coordinate, input] of onInterfaces) {
    const [interfaceName = ''] = coordinate.split('.', 1);
    for (const object of implementations.get(interfaceName) ?? []) {
      const same = `${object}${coordinate.slice(interfaceName.length)}`;
      if ((target.get(same) ?? input).claim !== input.claim)
        faults.push({ message: `${same} and ${coordinate}: two different claims of @fromPrincipal meet` });
      else target.set(same, input);
    }
    target.set(coordinate, input);
  }
  for (const [interfaceName, objects] of implementations) {
    for (const object of objects) faults.push(...shown({ object, interfaceName, types, hidden: target }));
  }
  faults.push(...unfilledDefaults(target, types), ...unfilledFieldSets(target, context));
  return faults;
}

/** Arguments hidden on an object that one of its interfaces shows, or does not have: asked there, they stay empty. */
function shown(at: {
  readonly object: string;
  readonly interfaceName: string;
  readonly types: TypeIndex;
  readonly hidden: Hidden;
}): ErrorDetail[] {
  const { object, interfaceName, types, hidden } = at;
  const faults: ErrorDetail[] = [];
  for (const [fieldName, field] of types.composites.get(object) ?? []) {
    if (types.composites.get(interfaceName)?.has(fieldName) !== true) continue;
    for (const argument of field.arguments ?? []) {
      const member = `${fieldName}(${argument.name.value}:)`;
      if (!hidden.has(`${object}.${member}`) || hidden.has(`${interfaceName}.${member}`)) continue;
      const message = `${object}.${member} @fromPrincipal: ${interfaceName}.${member} is not filled from the principal`;
      faults.push(faultAt(argument, message));
    }
  }
  return faults;
}

/** Default values that hold an object with a hidden field: a subgraph would apply them by itself. */
function unfilledDefaults(hidden: Hidden, types: TypeIndex): ErrorDetail[] {
  const filled = typesWithHiddenFields(hidden, types);
  const owners: (readonly [string, readonly InputValueDefinitionNode[]])[] = [];
  for (const [name, fields] of types.inputs) owners.push([name, [...fields.values()]]);
  for (const [name, fields] of types.composites) {
    for (const field of fields.values()) owners.push([`${name}.${field.name.value}`, field.arguments ?? []]);
  }
  return owners.flatMap(([owner, inputs]) =>
    inputs
      .filter(({ type, defaultValue }) => filled.has(namedTypeOf(type)) && holdsObject(defaultValue))
      .map((node) =>
        faultAt(node, `${owner} ${node.name.value}: its default value lacks what @fromPrincipal fills in`),
      ),
  );
}

/** Input types that have a hidden field, or a field that may hold such a type. */
function typesWithHiddenFields(hidden: Hidden, types: TypeIndex): Set<string> {
  const filled = new Set<string>();
  let before = -1;
  while (filled.size > before) {
    before = filled.size;
    for (const [name, fields] of types.inputs) {
      for (const field of fields.values()) {
        if (hidden.has(`${name}.${field.name.value}`) || filled.has(namedTypeOf(field.type)))
          filled.add(name);
      }
    }
  }
  return filled;
}

function holdsObject(value: ConstValueNode | undefined): boolean {
  if (value?.kind === Kind.LIST) return value.values.some(holdsObject);
  return value?.kind === Kind.OBJECT;
}

/**
 * Fields with hidden arguments in keys and `@requires`: the planner asks for those by itself, without arguments.
 * Source: federation writes both into the supergraph as texts of `@join__type` and `@join__field`.
 */
function unfilledFieldSets(
  hidden: Hidden,
  { document, links, types, implementations }: HiddenInputContext,
): ErrorDetail[] {
  const join = links.find(({ identity }) => identity === JOIN_IDENTITY);
  if (join === undefined) return [];
  const names = new Set([directiveNameOf(join, 'type'), directiveNameOf(join, 'field')]);
  const walk = (typeName: string, set: SelectionSetNode): string | null => {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) continue;
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const inner = walk(selection.typeCondition?.name.value ?? typeName, selection.selectionSet);
        if (inner !== null) return inner;
        continue;
      }
      // An entity interface stands for all its objects.
      for (const owner of [typeName, ...(implementations.get(typeName) ?? [])]) {
        const field = types.composites.get(owner)?.get(selection.name.value);
        if (field === undefined) continue;
        const coordinate = `${owner}.${selection.name.value}`;
        if ((field.arguments ?? []).some(({ name }) => hidden.has(`${coordinate}(${name.value}:)`)))
          return coordinate;
        const inner =
          selection.selectionSet === undefined ? null : walk(namedTypeOf(field.type), selection.selectionSet);
        if (inner !== null) return inner;
      }
    }
    return null;
  };
  return directiveUses(document).flatMap(({ node, typeName, coordinate }) => {
    if (!names.has(node.name.value)) return [];
    return (node.arguments ?? []).flatMap(({ name, value }) => {
      if ((name.value !== 'key' && name.value !== 'requires') || value.kind !== Kind.STRING) return [];
      const at = walk(typeName, fieldSet(value.value));
      const what = `${coordinate}: its ${name.value} asks for ${at}, whose arguments @fromPrincipal fills in`;
      return at === null ? [] : [faultAt(node, what)];
    });
  });
}

/** A field set that does not parse has a fault of its own, which federation's library tells. */
function fieldSet(text: string): SelectionSetNode {
  const none: SelectionSetNode = { kind: Kind.SELECTION_SET, selections: [] };
  try {
    const [operation] = parse(`{${text}}`, { noLocation: true }).definitions;
    return operation?.kind === Kind.OPERATION_DEFINITION ? operation.selectionSet : none;
  } catch {
    return none;
  }
}
