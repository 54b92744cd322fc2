import {
  type DocumentNode,
  type FieldDefinitionNode,
  type InputValueDefinitionNode,
  Kind,
  OperationTypeNode,
  type TypeNode,
} from 'graphql';

/** What a schema document defines, extensions merged in. */
export interface TypeIndex {
  /** Fields of objects and interfaces. */
  readonly composites: ReadonlyMap<string, ReadonlyMap<string, FieldDefinitionNode>>;
  readonly inputs: ReadonlyMap<string, ReadonlyMap<string, InputValueDefinitionNode>>;
  /** Root types by their local names. */
  readonly roots: ReadonlyMap<string, OperationTypeNode>;
}

const DEFAULT_ROOTS = [
  ['Query', OperationTypeNode.QUERY],
  ['Mutation', OperationTypeNode.MUTATION],
  ['Subscription', OperationTypeNode.SUBSCRIPTION],
] as const;

/** Indexes the fields of a schema document by type and name. */
export function indexTypes(document: DocumentNode): TypeIndex {
  const composites = new Map<string, Map<string, FieldDefinitionNode>>();
  const inputs = new Map<string, Map<string, InputValueDefinitionNode>>();
  const roots = new Map<string, OperationTypeNode>();
  for (const definition of document.definitions) {
    switch (definition.kind) {
      case Kind.OBJECT_TYPE_DEFINITION:
      case Kind.OBJECT_TYPE_EXTENSION:
      case Kind.INTERFACE_TYPE_DEFINITION:
      case Kind.INTERFACE_TYPE_EXTENSION:
        add(composites, definition.name.value, definition.fields);
        break;
      case Kind.INPUT_OBJECT_TYPE_DEFINITION:
      case Kind.INPUT_OBJECT_TYPE_EXTENSION:
        add(inputs, definition.name.value, definition.fields);
        break;
      case Kind.SCHEMA_DEFINITION:
      case Kind.SCHEMA_EXTENSION:
        for (const { type, operation } of definition.operationTypes ?? [])
          roots.set(type.name.value, operation);
        break;
    }
  }
  return { composites, inputs, roots: roots.size === 0 ? new Map(DEFAULT_ROOTS) : roots };
}

function add<Node extends { readonly name: { readonly value: string } }>(
  index: Map<string, Map<string, Node>>,
  typeName: string,
  nodes: readonly Node[] | undefined,
): void {
  const members = index.get(typeName) ?? new Map<string, Node>();
  index.set(typeName, members);
  for (const node of nodes ?? []) members.set(node.name.value, node);
}

/** Name of the type below lists and non-null. */
export function namedTypeOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedTypeOf(type.type);
}

/** The name of a type that is no list, non-null or not; null for a list. */
export function singleTypeOf(type: TypeNode): string | null {
  if (type.kind === Kind.LIST_TYPE) return null;
  return type.kind === Kind.NAMED_TYPE ? type.name.value : singleTypeOf(type.type);
}
