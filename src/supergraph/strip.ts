import { type ASTNode, type DefinitionNode, type DocumentNode, Kind, visit } from 'graphql';
import { type Link, ownsDirective, ownsType } from './link.ts';

/**
 * A copy of a supergraph without the specifications that the gateway enforces itself: their links, definitions and
 * applications, under whatever names. Apollo's gateway refuses to load a supergraph that still links them.
 * Invariant: only for a document whose policy was extracted without faults; what is removed here is enforced there.
 */
export function stripRules(document: DocumentNode, links: readonly Link[]): DocumentNode {
  const enforced = links.filter((link) => link.known?.enforced === true);
  const linkNodes = new Set<ASTNode>(enforced.map(({ node }) => node));
  const isRule = (name: string): boolean => enforced.some((link) => ownsDirective(link, name));
  const definitions = document.definitions.filter((definition) => !isOwned(definition, enforced));
  const stripped = visit(
    { ...document, definitions },
    { Directive: (node) => (linkNodes.has(node) || isRule(node.name.value) ? null : undefined) },
  );
  return {
    ...stripped,
    definitions: stripped.definitions.filter((definition) => !isEmptyExtension(definition)),
  };
}

function isOwned(definition: DefinitionNode, links: readonly Link[]): boolean {
  if (!('name' in definition) || definition.name === undefined) return false;
  const name = definition.name.value;
  return links.some((link) =>
    definition.kind === Kind.DIRECTIVE_DEFINITION ? ownsDirective(link, name) : ownsType(link, name),
  );
}

/** True for an extension that only applied rules: without them it is not valid SDL. */
function isEmptyExtension(definition: DefinitionNode): boolean {
  switch (definition.kind) {
    case Kind.SCHEMA_EXTENSION:
      return isEmpty(definition.directives) && isEmpty(definition.operationTypes);
    case Kind.SCALAR_TYPE_EXTENSION:
      return isEmpty(definition.directives);
    case Kind.OBJECT_TYPE_EXTENSION:
    case Kind.INTERFACE_TYPE_EXTENSION:
      return isEmpty(definition.directives) && isEmpty(definition.fields) && isEmpty(definition.interfaces);
    case Kind.UNION_TYPE_EXTENSION:
      return isEmpty(definition.directives) && isEmpty(definition.types);
    case Kind.ENUM_TYPE_EXTENSION:
      return isEmpty(definition.directives) && isEmpty(definition.values);
    case Kind.INPUT_OBJECT_TYPE_EXTENSION:
      return isEmpty(definition.directives) && isEmpty(definition.fields);
    default:
      return false;
  }
}

function isEmpty(nodes: readonly ASTNode[] | undefined): boolean {
  return nodes === undefined || nodes.length === 0;
}
