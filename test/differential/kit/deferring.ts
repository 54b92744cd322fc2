import { type DirectiveNode, Kind, parse, print, type SelectionNode, visit } from 'graphql';
import { expect } from 'vitest';
import type { GraphQLResponseBody } from '../../../src/listener/request.ts';

const DEFER: DirectiveNode = { kind: Kind.DIRECTIVE, name: { kind: Kind.NAME, value: 'defer' } };

/** Defers parts of a query as a seed has it: fragments that are there, and what selections end in. */
export function deferring(text: string, seed: number): string {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  const chance = (share: number): boolean => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296 < share;
  };
  const deferred = <Node extends { readonly directives?: readonly DirectiveNode[] }>(
    node: Node,
  ): Node | undefined =>
    chance(0.5) ? { ...node, directives: [...(node.directives ?? []), DEFER] } : undefined;
  const document = visit(parse(text), {
    InlineFragment: { leave: deferred },
    FragmentSpread: { leave: deferred },
    SelectionSet: {
      leave(node) {
        if (!chance(0.4)) return undefined;
        const from = chance(0.5) ? 0 : Math.floor(node.selections.length / 2);
        const selections: SelectionNode[] = node.selections.slice(from);
        const fragment: SelectionNode = {
          kind: Kind.INLINE_FRAGMENT,
          directives: [DEFER],
          selectionSet: { kind: Kind.SELECTION_SET, selections },
        };
        return { ...node, selections: [...node.selections.slice(0, from), fragment] };
      },
    },
  });
  return print(document);
}

type Json = Record<string, unknown>;

/** One answer from its parts, as Apollo Client merges them: objects deeply, lists item by item. */
export function mergedParts(bodies: readonly GraphQLResponseBody[]): { data: unknown; errors: unknown[] } {
  const [first, ...rest] = bodies;
  const data = structuredClone(first?.data) ?? null;
  const errors: unknown[] = [...(first?.errors ?? [])];
  expect(bodies.map(({ hasNext }) => hasNext)).toEqual(bodies.map((_, index) => index < bodies.length - 1));
  for (const { incremental = [] } of rest) {
    for (const part of incremental) {
      const place = part.path.reduce<unknown>((value, step) => (value as Json)[step], data);
      expect(place, `nothing at ${part.path.join('.')}`).toBeTypeOf('object');
      if (part.data !== null) merge(place as Json, structuredClone(part.data) as Json);
      errors.push(...(part.errors ?? []));
    }
  }
  return { data, errors };
}

function merge(into: Json, from: Json): void {
  for (const [key, value] of Object.entries(from)) {
    const present = into[key];
    const isBoth = [present, value].every((each) => typeof each === 'object' && each !== null);
    if (isBoth) merge(present as Json, value as Json);
    else into[key] = value;
  }
}
