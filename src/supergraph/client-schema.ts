import { ArgumentDefinition, InputFieldDefinition, type Schema } from '@apollo/federation-internals';
import {
  type DefinitionNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type InputValueDefinitionNode,
  Kind,
} from 'graphql';
import { directiveNameOf, type Link } from './link.ts';
import type { SecurityPolicy } from './policy.ts';
import { INACCESSIBLE_IDENTITY } from './specs.ts';

/** Removes from a schema what clients neither see nor send. */
export function hideInputs(apiSchema: Schema, { hidden }: Pick<SecurityPolicy, 'hidden'>): void {
  for (const coordinate of hidden.keys()) {
    const element = apiSchema.elementByCoordinate(coordinate);
    if (element instanceof ArgumentDefinition || element instanceof InputFieldDefinition) element.remove();
  }
}

/**
 * A supergraph as the planner needs it: what the gateway itself asks for or fills in is accessible to it, though
 * `@inaccessible` keeps it from clients.
 */
export function revealToPlanner(
  document: DocumentNode,
  links: readonly Link[],
  { hidden, tenantFields }: Pick<SecurityPolicy, 'hidden' | 'tenantFields'>,
): DocumentNode {
  const link = links.find(({ identity }) => identity === INACCESSIBLE_IDENTITY);
  if (link === undefined || (hidden.size === 0 && tenantFields.size === 0)) return document;
  const inaccessible = directiveNameOf(link, 'inaccessible');
  const revealed = <Node extends FieldDefinitionNode | InputValueDefinitionNode>(node: Node): Node => ({
    ...node,
    directives: (node.directives ?? []).filter(({ name }) => name.value !== inaccessible),
  });
  const field = (typeName: string, node: FieldDefinitionNode): FieldDefinitionNode => {
    const coordinate = `${typeName}.${node.name.value}`;
    const given = (node.arguments ?? []).map((argument) =>
      hidden.has(`${coordinate}(${argument.name.value}:)`) ? revealed(argument) : argument,
    );
    const withArguments = { ...node, arguments: given };
    return tenantFields.get(typeName) === node.name.value ? revealed(withArguments) : withArguments;
  };
  const definition = (node: DefinitionNode): DefinitionNode => {
    switch (node.kind) {
      case Kind.OBJECT_TYPE_DEFINITION:
      case Kind.OBJECT_TYPE_EXTENSION:
      case Kind.INTERFACE_TYPE_DEFINITION:
      case Kind.INTERFACE_TYPE_EXTENSION:
        return { ...node, fields: (node.fields ?? []).map((each) => field(node.name.value, each)) };
      case Kind.INPUT_OBJECT_TYPE_DEFINITION:
      case Kind.INPUT_OBJECT_TYPE_EXTENSION: {
        const fields = (node.fields ?? []).map((each) =>
          hidden.has(`${node.name.value}.${each.name.value}`) ? revealed(each) : each,
        );
        return { ...node, fields };
      }
      default:
        return node;
    }
  };
  return { ...document, definitions: document.definitions.map(definition) };
}
