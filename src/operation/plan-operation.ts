import { operationFromDocument, Supergraph } from '@apollo/federation-internals';
import {
  type FetchDataRewrite,
  type FetchNode,
  type PlanNode,
  QueryPlanner,
  type QueryPlanSelectionNode,
} from '@apollo/query-planner';
import {
  type DocumentNode,
  type FieldNode,
  isAbstractType,
  isInterfaceType,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import type { DataRewrite, FetchStep, Plan, PlanStep, RequiredSelection, RewriteStep } from './plan.ts';

/** Plans a document that runs: the one operation in it. */
export type Planner = (text: string) => Plan;

const FRAGMENT_STEP = '... on ';
const FETCH_NUMBER = /__\d+$/u;

/** Loads a supergraph, as it is made for planning, into Apollo's query planner. */
export function createPlanner(sdl: string): Planner {
  const supergraph = Supergraph.build(sdl, { supportedFeatures: null });
  const planner = new QueryPlanner(supergraph);
  const apiSchema = supergraph.apiSchema();
  // Of the whole supergraph: subgraphs know types and interfaces that clients do not see.
  const schema = supergraph.schema.toGraphQLJSSchema();
  const reader = new PlanReader((name) => {
    const type = schema.getType(name);
    if (!isAbstractType(type)) return [name];
    // Interfaces among them: where one is an entity, an object may be known by its interface's name only.
    const interfaces = isInterfaceType(type) ? schema.getImplementations(type).interfaces : [];
    return [name, ...[...schema.getPossibleTypes(type), ...interfaces].map((possible) => possible.name)];
  });
  return (text) => {
    const { data, introspection } = splitIntrospection(parse(text, { noLocation: true }));
    const node =
      data === null ? undefined : planner.buildQueryPlan(operationFromDocument(apiSchema, data)).node;
    const [subscription, rest] =
      node?.kind === 'Subscription' ? [node.primary, node.rest] : [undefined, node];
    return {
      subscription: subscription === undefined ? null : reader.fetch(subscription, []),
      root: rest === undefined ? null : reader.step(rest, []),
      introspection: introspection === null ? null : print(introspection),
    };
  };
}

/** Turns Apollo's plan into ours: type conditions resolved to concrete types, flattening carried down to the fetches. */
class PlanReader {
  readonly #concreteTypes: (name: string) => readonly string[];

  constructor(concreteTypes: (name: string) => readonly string[]) {
    this.#concreteTypes = concreteTypes;
  }

  step(node: PlanNode, path: readonly string[]): PlanStep {
    switch (node.kind) {
      case 'Sequence':
        return { kind: 'sequence', steps: node.nodes.map((child) => this.step(child, path)) };
      case 'Parallel':
        return parallel(node.nodes.map((child) => this.step(child, path)));
      case 'Flatten':
        return this.step(node.node, [...path, ...node.path.map(String)]);
      case 'Condition':
        return {
          kind: 'condition',
          variable: node.condition,
          whenTrue: node.ifClause === undefined ? null : this.step(node.ifClause, path),
          whenFalse: node.elseClause === undefined ? null : this.step(node.elseClause, path),
        };
      case 'Fetch':
        return this.fetch(node, path);
      case 'Defer':
        throw new TypeError('The planner was not asked for deferred parts.');
    }
  }

  fetch(node: FetchNode, path: readonly string[]): FetchStep {
    // The planner numbers the fetches of a named operation; without the number, equal fetches have equal texts.
    const { operationName: numbered } = node;
    const operationName = numbered?.replace(FETCH_NUMBER, '') ?? null;
    return {
      kind: 'fetch',
      subgraph: node.serviceName,
      query: numbered === undefined ? node.operation : node.operation.replace(numbered, operationName ?? ''),
      operationName,
      mutation: node.operationKind === 'mutation',
      variables: node.variableUsages ?? [],
      paths: [path],
      requires: node.requires === undefined ? null : this.#required(node.requires),
      inputRewrites: this.#rewrites(node.inputRewrites),
      outputRewrites: this.#rewrites(node.outputRewrites),
    };
  }

  #required(nodes: readonly QueryPlanSelectionNode[]): RequiredSelection[] {
    return nodes.map((node): RequiredSelection => {
      if (node.kind === 'Field') {
        const selections = node.selections === undefined ? null : this.#required(node.selections);
        return { kind: 'field', key: node.alias ?? node.name, selections };
      }
      const types = node.typeCondition === undefined ? [] : this.#concreteTypes(node.typeCondition);
      return { kind: 'fragment', types, selections: this.#required(node.selections) };
    });
  }

  #rewrites(nodes: readonly FetchDataRewrite[] | undefined): DataRewrite[] {
    return (nodes ?? []).map((node) => ({
      path: node.path.slice(0, -1).map((step) => this.#rewriteStep(step)),
      key: node.path.at(-1) ?? '',
      change:
        node.kind === 'ValueSetter'
          ? { kind: 'set', value: node.setValueTo as unknown }
          : { kind: 'rename', to: node.renameKeyTo },
    }));
  }

  #rewriteStep(step: string): RewriteStep {
    if (!step.startsWith(FRAGMENT_STEP)) return { kind: 'field', key: step };
    return { kind: 'type', types: this.#concreteTypes(step.slice(FRAGMENT_STEP.length)) };
  }
}

/** Steps side by side; those that would send the same operation to the same subgraph are sent as one. */
function parallel(steps: readonly PlanStep[]): PlanStep {
  const merged = new Map<string, FetchStep>();
  const others: PlanStep[] = [];
  for (const step of steps) {
    if (step.kind !== 'fetch' || step.requires === null) {
      others.push(step);
      continue;
    }
    const { paths, ...same } = step;
    const key = JSON.stringify(same);
    merged.set(key, { ...step, paths: [...(merged.get(key)?.paths ?? []), ...paths] });
  }
  return { kind: 'parallel', steps: [...others, ...merged.values()] };
}

/** An operation in two: what the subgraphs answer, and the schema introspection, which the gateway answers itself. */
interface SplitOperation {
  readonly data: DocumentNode | null;
  readonly introspection: DocumentNode | null;
}

/**
 * Splits an operation whose fragments are inlined.
 * Source: Apollo's planner sets introspection aside only where it stands directly at the root, not inside a fragment.
 */
function splitIntrospection(document: DocumentNode): SplitOperation {
  const [operation] = document.definitions as readonly OperationDefinitionNode[];
  if (operation === undefined) return { data: null, introspection: null };
  const part = (wanted: (field: FieldNode) => boolean): DocumentNode | null => {
    const selections = keep(operation.selectionSet, wanted);
    if (selections.length === 0) return null;
    const selectionSet: SelectionSetNode = { kind: Kind.SELECTION_SET, selections };
    return { kind: Kind.DOCUMENT, definitions: [{ ...operation, selectionSet }] };
  };
  const introspection = part(isIntrospection);
  return {
    data: introspection === null ? document : part((field) => !isIntrospection(field)),
    introspection: introspection === null ? null : withUsedVariables(introspection),
  };
}

/** The gateway answers introspection with what clients see, where variables of what they do not see have no type. */
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

/** The root fields that are wanted, with the fragments around them. */
function keep(set: SelectionSetNode, wanted: (field: FieldNode) => boolean): SelectionNode[] {
  return set.selections.flatMap((selection): SelectionNode[] => {
    if (selection.kind === Kind.FIELD) return wanted(selection) ? [selection] : [];
    if (selection.kind !== Kind.INLINE_FRAGMENT) return [];
    const selections = keep(selection.selectionSet, wanted);
    return selections.length === 0
      ? []
      : [{ ...selection, selectionSet: { kind: Kind.SELECTION_SET, selections } }];
  });
}

function isIntrospection({ name }: FieldNode): boolean {
  return name.value === '__schema' || name.value === '__type';
}
