import {
  type ConstDirectiveNode,
  type DefinitionNode,
  DirectiveLocation,
  type DocumentNode,
  type FieldDefinitionNode,
  type InputValueDefinitionNode,
  Kind,
  type TypeNode,
} from 'graphql';

/** One application of a directive in a schema. */
export interface DirectiveUse {
  readonly node: ConstDirectiveNode;
  readonly location: DirectiveLocation;
  /** Schema coordinate, such as `Order`, `Order.lines`, `Query.order(id:)` or `schema`. */
  readonly coordinate: string;
  /** The type it is in. */
  readonly typeName: string;
  /** True on an interface and anywhere in it. */
  readonly inInterface: boolean;
  /** Type of the argument or input field it is on; null elsewhere. */
  readonly valueType: TypeNode | null;
}

/** A place directives can be applied to: all of a use but the directive itself. */
type Place = Omit<DirectiveUse, 'node'>;

/** Lists the directives applied anywhere in a schema document, extensions included. */
export function directiveUses(document: DocumentNode): DirectiveUse[] {
  return document.definitions.flatMap(usesInDefinition);
}

function place(location: DirectiveLocation, typeName: string): Place {
  const inInterface = location === DirectiveLocation.INTERFACE;
  return { location, coordinate: typeName, typeName, inInterface, valueType: null };
}

function applied(nodes: readonly ConstDirectiveNode[] | undefined, where: Place): DirectiveUse[] {
  return (nodes ?? []).map((node) => ({ ...where, node }));
}

function usesInDefinition(definition: DefinitionNode): DirectiveUse[] {
  switch (definition.kind) {
    case Kind.SCHEMA_DEFINITION:
    case Kind.SCHEMA_EXTENSION:
      return applied(definition.directives, place(DirectiveLocation.SCHEMA, 'schema'));
    case Kind.OBJECT_TYPE_DEFINITION:
    case Kind.OBJECT_TYPE_EXTENSION:
      return usesInComposite(definition, DirectiveLocation.OBJECT);
    case Kind.INTERFACE_TYPE_DEFINITION:
    case Kind.INTERFACE_TYPE_EXTENSION:
      return usesInComposite(definition, DirectiveLocation.INTERFACE);
    case Kind.UNION_TYPE_DEFINITION:
    case Kind.UNION_TYPE_EXTENSION:
      return applied(definition.directives, place(DirectiveLocation.UNION, definition.name.value));
    case Kind.SCALAR_TYPE_DEFINITION:
    case Kind.SCALAR_TYPE_EXTENSION:
      return applied(definition.directives, place(DirectiveLocation.SCALAR, definition.name.value));
    case Kind.ENUM_TYPE_DEFINITION:
    case Kind.ENUM_TYPE_EXTENSION: {
      const values = (definition.values ?? []).flatMap(({ name, directives }) =>
        applied(directives, {
          ...place(DirectiveLocation.ENUM_VALUE, definition.name.value),
          coordinate: `${definition.name.value}.${name.value}`,
        }),
      );
      return [
        ...applied(definition.directives, place(DirectiveLocation.ENUM, definition.name.value)),
        ...values,
      ];
    }
    case Kind.INPUT_OBJECT_TYPE_DEFINITION:
    case Kind.INPUT_OBJECT_TYPE_EXTENSION:
      return [
        ...applied(definition.directives, place(DirectiveLocation.INPUT_OBJECT, definition.name.value)),
        ...(definition.fields ?? []).flatMap((field) => usesOnInputField(field, definition.name.value)),
      ];
    case Kind.DIRECTIVE_DEFINITION: {
      const owner = place(DirectiveLocation.ARGUMENT_DEFINITION, `@${definition.name.value}`);
      return (definition.arguments ?? []).flatMap((argument) => usesOnArgument(argument, owner));
    }
    default:
      return [];
  }
}

interface CompositeNode {
  readonly name: { readonly value: string };
  readonly directives?: readonly ConstDirectiveNode[] | undefined;
  readonly fields?: readonly FieldDefinitionNode[] | undefined;
}

function usesInComposite(type: CompositeNode, location: DirectiveLocation): DirectiveUse[] {
  const onType = place(location, type.name.value);
  const uses = applied(type.directives, onType);
  for (const { name, directives, arguments: given } of type.fields ?? []) {
    const coordinate = `${onType.typeName}.${name.value}`;
    const onField = { ...onType, location: DirectiveLocation.FIELD_DEFINITION, coordinate };
    uses.push(...applied(directives, onField));
    for (const argument of given ?? []) uses.push(...usesOnArgument(argument, onField));
  }
  return uses;
}

function usesOnArgument(argument: InputValueDefinitionNode, owner: Place): DirectiveUse[] {
  return applied(argument.directives, {
    ...owner,
    location: DirectiveLocation.ARGUMENT_DEFINITION,
    coordinate: `${owner.coordinate}(${argument.name.value}:)`,
    valueType: argument.type,
  });
}

function usesOnInputField(field: InputValueDefinitionNode, typeName: string): DirectiveUse[] {
  return applied(field.directives, {
    ...place(DirectiveLocation.INPUT_FIELD_DEFINITION, typeName),
    coordinate: `${typeName}.${field.name.value}`,
    valueType: field.type,
  });
}
