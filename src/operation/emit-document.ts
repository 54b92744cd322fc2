import {
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  print,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import type { SecurityPolicy } from '../supergraph/policy.ts';
import type { FieldUse, Position, Wrap } from './expand.ts';
import {
  declaredVariable,
  filledArguments,
  type HiddenIndex,
  hiddenIndexOf,
  principalDefinitions,
  principalInputsOf,
} from './hidden-arguments.ts';
import type { PrincipalInputs } from './operation.ts';
import { tenantKeyOf } from './reserved-names.ts';
import type { Verdicts } from './verdicts.ts';

const TYPENAME: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };

/** What writing a document depends on. */
export interface EmitRules {
  readonly verdicts: Verdicts;
  readonly schema: GraphQLSchema;
  readonly policy: Pick<SecurityPolicy, 'hidden' | 'tenantFields'>;
}

/** The document that runs, and what it holds that the client did not write. */
export interface EmittedDocument {
  /** Null where the verdicts leave nothing of the root. */
  readonly text: string | null;
  readonly principalInputs: PrincipalInputs | null;
  readonly tenantKeys: readonly string[];
}

interface Emission {
  readonly verdicts: Verdicts;
  readonly hidden: HiddenIndex;
  readonly tenantFields: SecurityPolicy['tenantFields'];
  /** Response keys of owners asked for so far. */
  readonly tenantKeys: Set<string>;
}

/**
 * Writes the document that runs: only what the verdicts allow, fragments inlined, unused variables dropped,
 * `__typename` at every abstract position, so that the answer can be judged by concrete type, the owner of every object
 * that belongs to a tenant, and every argument that clients do not see.
 */
export function emitDocument(
  operation: OperationDefinitionNode,
  root: Position,
  { verdicts, schema, policy }: EmitRules,
): EmittedDocument {
  const hidden = hiddenIndexOf(policy);
  const { tenantFields } = policy;
  const emission: Emission = { verdicts, hidden, tenantFields, tenantKeys: new Set() };
  const selections = emitUses(root, emission);
  if (selections.length === 0) {
    if (verdicts.removals.length > 0) return { text: null, principalInputs: null, tenantKeys: [] };
    // Literals switch everything off: the answer is an empty object, and a document needs a selection.
    selections.push(TYPENAME);
  }
  const definition: OperationDefinitionNode = {
    ...operation,
    selectionSet: { kind: Kind.SELECTION_SET, selections },
  };
  const used = variablesIn(definition);
  const principalInputs = principalInputsOf(used, operation, { schema, hidden });
  const declared = (operation.variableDefinitions ?? [])
    .filter((d) => used.has(d.variable.name.value))
    .map((d) => declaredVariable(d, { schema, hidden }));
  const added = principalInputs === null ? [] : principalDefinitions(principalInputs);
  const document: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: [{ ...definition, variableDefinitions: [...declared, ...added] }],
  };
  return { text: print(document), principalInputs, tenantKeys: [...emission.tenantKeys] };
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

function emitPosition(position: Position, emission: Emission): SelectionSetNode {
  const selections = emitUses(position, emission);
  selections.push(...emitOwners(position, emission));
  if ((position.abstract && !selections.some(isTypename)) || selections.length === 0)
    selections.unshift(TYPENAME);
  return { kind: Kind.SELECTION_SET, selections };
}

/** Asks for the owner of each object here whose type belongs to a tenant, whatever the client asked for. */
function emitOwners(position: Position, { verdicts, tenantFields, tenantKeys }: Emission): SelectionNode[] {
  return position.types.flatMap((typeName) => {
    const field = tenantFields.get(typeName);
    if (field === undefined || verdicts.refusedTypes(position).has(typeName)) return [];
    const alias = tenantKeyOf(typeName);
    tenantKeys.add(alias);
    const node: FieldNode = {
      kind: Kind.FIELD,
      alias: { kind: Kind.NAME, value: alias },
      name: { kind: Kind.NAME, value: field },
    };
    const wraps: readonly Wrap[] = position.abstract ? [{ typeCondition: typeName, directives: [] }] : [];
    return emitRun({ wraps, fields: [node] });
  });
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

function emitUses(position: Position, emission: Emission): SelectionNode[] {
  const runs: Run[] = [];
  for (const use of position.uses) {
    const { allowed } = emission.verdicts.ofUse(use);
    if (allowed.length === 0) continue;
    const field = emitField(use, emission);
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

function emitField(use: FieldUse, emission: Emission): FieldNode {
  const { selectionSet: _, ...node } = use.node;
  const field = { ...node, arguments: filledArguments(use, emission.hidden) };
  return use.children === null ? field : { ...field, selectionSet: emitPosition(use.children, emission) };
}
