import {
  type DocumentNode,
  type FieldNode,
  Kind,
  type OperationDefinitionNode,
  print,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import type { FieldUse, Position, Wrap } from './expand.ts';
import type { Verdicts } from './verdicts.ts';

const TYPENAME: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };

/**
 * Writes the document that runs: only what the verdicts allow, fragments inlined, unused variables dropped, and
 * `__typename` at every abstract position, so that the answer can be judged by concrete type.
 * Null where the verdicts leave nothing of the root.
 */
export function emitDocument(
  operation: OperationDefinitionNode,
  root: Position,
  verdicts: Verdicts,
): string | null {
  const selections = emitUses(root, verdicts);
  if (selections.length === 0) {
    if (verdicts.removals.length > 0) return null;
    // Literals switch everything off: the answer is an empty object, and a document needs a selection.
    selections.push(TYPENAME);
  }
  const definition: OperationDefinitionNode = {
    ...operation,
    selectionSet: { kind: Kind.SELECTION_SET, selections },
  };
  const used = variablesIn(definition);
  const document: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: [
      {
        ...definition,
        variableDefinitions: (operation.variableDefinitions ?? []).filter((d) =>
          used.has(d.variable.name.value),
        ),
      },
    ],
  };
  return print(document);
}

function variablesIn(operation: OperationDefinitionNode): Set<string> {
  const used = new Set<string>();
  visit(
    { ...operation, variableDefinitions: [] },
    {
      Variable: (node) => {
        used.add(node.name.value);
      },
    },
  );
  return used;
}

function emitPosition(position: Position, verdicts: Verdicts): SelectionSetNode {
  const selections = emitUses(position, verdicts);
  if ((position.abstract && !selections.some(isTypename)) || selections.length === 0)
    selections.unshift(TYPENAME);
  return { kind: Kind.SELECTION_SET, selections };
}

function isTypename(selection: SelectionNode): boolean {
  return (
    selection.kind === Kind.FIELD &&
    selection.name.value === '__typename' &&
    selection.alias === undefined &&
    (selection.directives ?? []).length === 0
  );
}

/** Fields below the same fragments, in order. */
interface Run {
  readonly wraps: readonly Wrap[];
  readonly fields: FieldNode[];
}

function emitUses(position: Position, verdicts: Verdicts): SelectionNode[] {
  const runs: Run[] = [];
  for (const use of position.uses) {
    const { allowed } = verdicts.ofUse(use);
    if (allowed.length === 0) continue;
    const field = emitField(use, verdicts);
    const last = runs.at(-1);
    if (use.refined || allowed.length < use.on.size) {
      for (const typeCondition of allowed) {
        runs.push({ wraps: [...use.wraps, { typeCondition, directives: [] }], fields: [field] });
      }
    } else if (last?.wraps === use.wraps) last.fields.push(field);
    else runs.push({ wraps: use.wraps, fields: [field] });
  }
  return runs.flatMap(emitRun);
}

function emitRun({ wraps, fields }: Run): SelectionNode[] {
  return wraps.reduceRight<SelectionNode[]>((selections, { typeCondition, directives }) => {
    if (typeCondition === null && directives.length === 0) return selections;
    const condition =
      typeCondition === null
        ? {}
        : {
            typeCondition: {
              kind: Kind.NAMED_TYPE,
              name: { kind: Kind.NAME, value: typeCondition },
            } as const,
          };
    const selectionSet: SelectionSetNode = { kind: Kind.SELECTION_SET, selections };
    return [{ kind: Kind.INLINE_FRAGMENT, ...condition, directives, selectionSet }];
  }, fields);
}

function emitField(use: FieldUse, verdicts: Verdicts): FieldNode {
  const { selectionSet: _, ...node } = use.node;
  return use.children === null ? node : { ...node, selectionSet: emitPosition(use.children, verdicts) };
}
