import { type ASTVisitor, GraphQLError, Kind, type ValidationContext } from 'graphql';
import { DEFER } from './deferrals.ts';

/**
 * Refuses labels of deferred fragments that a variable brings, or that a document has twice: clients tell parts apart by them.
 * Source: GraphQL specification, incremental delivery, "Defer And Stream Directive Labels Are Unique".
 */
export function DeferLabelsRule(context: ValidationContext): ASTVisitor {
  const known = new Set<string>();
  return {
    Directive(node) {
      if (node.name.value !== DEFER) return;
      const label = node.arguments?.find(({ name }) => name.value === 'label')?.value;
      if (label === undefined || label.kind === Kind.NULL) return;
      if (label.kind !== Kind.STRING) {
        context.reportError(new GraphQLError('Labels of "@defer" must be literals.', { nodes: node }));
      } else if (known.has(label.value)) {
        context.reportError(new GraphQLError('Labels of "@defer" must be unique.', { nodes: node }));
      } else known.add(label.value);
    },
  };
}
