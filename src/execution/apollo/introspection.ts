import { type DocumentNode, visit } from 'graphql';

/**
 * The part of an operation that asks for the schema; null where it does not.
 * Source: Apollo's gateway answers introspection from all that its planner knows, what clients do not see included.
 */
export function introspectionIn(document: DocumentNode): DocumentNode | null {
  let asked = false;
  const part = visit(document, {
    Field({ name: { value: name } }) {
      if (name !== '__schema' && name !== '__type') return null;
      asked = true;
      return false;
    },
    InlineFragment: {
      leave: ({ selectionSet }) => (selectionSet.selections.length === 0 ? null : undefined),
    },
  });
  return asked ? withUsedVariables(part) : null;
}

/** Other variables have types and values that clients do not see. */
function withUsedVariables(document: DocumentNode): DocumentNode {
  const used = new Set<string>();
  visit(document, {
    VariableDefinition: () => false,
    Variable: ({ name }) => {
      used.add(name.value);
    },
  });
  return visit(document, {
    VariableDefinition: ({ variable }) => (used.has(variable.name.value) ? false : null),
  });
}
