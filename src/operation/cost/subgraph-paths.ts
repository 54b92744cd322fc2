import { Kind, parse, type SelectionSetNode } from 'graphql';
import { type FetchStep, fetchesOf, type Plan } from '../plan.ts';

/** The response paths that one subgraph resolves: what its fetches select, and the objects that they complete. */
export interface SubgraphPaths {
  readonly mutates: boolean;
  /** Takes response keys, without list steps. */
  has(path: readonly string[]): boolean;
}

/**
 * Reads from a plan which subgraph resolves what; empty where there is no plan. A field that several subgraphs are
 * asked for counts for each of them.
 */
export function subgraphPaths(plan: Plan | null): ReadonlyMap<string, SubgraphPaths> {
  const found = new Map<string, { mutates: boolean; readonly keys: Set<string> }>();
  for (const fetch of plan === null ? [] : fetchesOf(plan)) {
    const of = found.get(fetch.subgraph) ?? { mutates: false, keys: new Set<string>() };
    found.set(fetch.subgraph, of);
    of.mutates ||= fetch.mutation;
    addPaths(fetch, of.keys);
  }
  return new Map(
    [...found].map(([name, { mutates, keys }]) => [
      name,
      { mutates, has: (path: readonly string[]) => keys.has(path.join('.')) },
    ]),
  );
}

function addPaths(fetch: FetchStep, keys: Set<string>): void {
  const renamed = new Map(
    fetch.outputRewrites.flatMap(({ key, change }) =>
      change.kind === 'rename' ? [[key, change.to] as const] : [],
    ),
  );
  const definitions = parse(fetch.query, { noLocation: true }).definitions;
  const fragments = new Map(
    definitions.flatMap((each) => (each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each]] : [])),
  );
  const walk = (set: SelectionSetNode, path: readonly string[]): void => {
    for (const selection of set.selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) walk(selection.selectionSet, path);
      else if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragments.get(selection.name.value);
        if (fragment !== undefined) walk(fragment.selectionSet, path);
      } else {
        const key = selection.alias?.value ?? selection.name.value;
        const isEntities = fetch.requires !== null && selection.name.value === '_entities';
        const at = isEntities ? path : [...path, renamed.get(key) ?? key];
        keys.add(at.join('.'));
        if (selection.selectionSet !== undefined) walk(selection.selectionSet, at);
      }
    }
  };
  for (const definition of definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const path of fetch.paths)
      walk(
        definition.selectionSet,
        path.filter((step) => step !== '@'),
      );
  }
}
