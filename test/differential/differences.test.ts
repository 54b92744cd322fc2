import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSupergraph } from '../../src/supergraph/read-supergraph.ts';
import { abstractTypes, interfaceObjects } from './graphs/abstract.ts';
import type { FeatureGraph } from './graphs/graph.ts';
import { singleKey } from './graphs/keys.ts';
import { required } from './graphs/requires.ts';
import { plain } from './kit/same-answer.ts';
import { type RunningGraph, startGraph } from './kit/start-graph.ts';
import { type Ask, composeServed } from './kit/two-engines.ts';

interface Difference extends Ask {
  readonly title: string;
  /** Why ours is the right answer. */
  readonly reason: string;
  readonly graph: FeatureGraph;
  readonly native: unknown;
  /** What Apollo answers; undefined where it throws. */
  readonly apollo: unknown;
}

const FORGOTTEN_TYPE =
  'A subgraph with @interfaceObject answers the interface as __typename, and Apollo lets that replace the concrete type another subgraph told.';
const FALSY = 'Apollo passes over a renamed value that is falsy, so a field that is 0 comes out as null.';

const DIFFERENCES: readonly Difference[] = [
  {
    title: 'keeps the concrete type of an object that an interface object completes',
    reason: FORGOTTEN_TYPE,
    graph: interfaceObjects,
    text: '{ cats { visits { animal { ... on Cat { lives chip } } } } }',
    native: {
      cats: [
        { visits: [{ animal: { lives: 9, chip: '1 true' } }] },
        null,
        { visits: [{ animal: { lives: 9, chip: '3 false' } }] },
      ],
    },
    apollo: { cats: [null, null, null] },
  },
  {
    title: 'keeps the concrete type where it is asked for',
    reason: FORGOTTEN_TYPE,
    graph: interfaceObjects,
    text: '{ visits { animal { __typename ... on Dog { chip } } } }',
    native: { visits: [{ animal: { __typename: 'Dog', chip: '2 false' } }] },
    apollo: { visits: null },
  },
  {
    title: 'keeps a zero that the plan renames',
    reason: FALSY,
    graph: abstractTypes,
    text: '{ all { id rating } }',
    native: {
      all: [
        { id: '1', rating: 1.5 },
        { id: '2', rating: 0 },
        { id: '4', rating: 1.5 },
        { id: '1', rating: 1.5 },
      ],
    },
    apollo: {
      all: [
        { id: '1', rating: 1.5 },
        { id: '2', rating: null },
        { id: '4', rating: 1.5 },
        { id: '1', rating: 1.5 },
      ],
    },
  },
  {
    title: 'answers introspection inside a fragment',
    reason:
      'Apollo sets introspection aside only where it stands directly at the root; within a fragment its planner throws.',
    graph: singleKey,
    text: 'query ($b: Boolean!) { ... @include(if: $b) { __schema { mutationType { name } } me { name } } }',
    variables: { b: true },
    native: { __schema: { mutationType: null }, me: { name: 'user 1' } },
    apollo: undefined,
  },
  {
    title: 'answers nothing but introspection inside a switched off fragment',
    reason: 'As before.',
    graph: singleKey,
    text: 'query ($b: Boolean!) { ... @include(if: $b) { __type(name: "User") { name } } }',
    variables: { b: false },
    native: {},
    apollo: undefined,
  },
];

describe.each(DIFFERENCES)('the native engine, unlike Apollo,', (difference) => {
  let running: RunningGraph;

  beforeAll(async () => {
    running = await startGraph(difference.graph.subgraphs);
  });

  afterAll(() => running.close());

  it(difference.title, async () => {
    const native = await running.engines.ask('native', difference);
    expect(native).toEqual({ data: difference.native, errors: [] });
  });

  it('and Apollo still differs', async () => {
    const apollo = await running.engines.ask('apollo', difference).then(
      ({ data }) => data,
      () => undefined,
    );
    expect(apollo, difference.reason).toEqual(difference.apollo);
  });
});

describe('the compiler', () => {
  it('keeps a required field that Apollo loses from the text as written', async () => {
    // Apollo plans equal fields with and without a literal switch as two, of which one overwrites the other.
    const text = `{
      goods { ... on Good { ... { ... { id } volume } dims { h } fits } }
      goods @skip(if: false) { ... on Good { id freight } a: label @skip(if: true) }
    }`;
    const running = await startGraph(required.subgraphs);
    const native = await running.engines.ask('native', { text });
    const untouched = await running.engines.untouched({ text });
    await running.close();
    const freights = (data: unknown) =>
      (plain(data) as { goods: { freight: unknown }[] }).goods.map(({ freight }) => freight);
    expect(freights(native.data)).toEqual([11, null, 31, 11]);
    expect(freights(untouched)).toEqual([null, null, null, null]);
  });
});

describe('neither engine', () => {
  it('loads a supergraph with @context, which both would pass over', () => {
    const sdl = `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@context", "@fromContext"])
      type Query { root: Root }
      type Root @key(fields: "id") @context(name: "root") { id: ID! word: String child: Child }
      type Child @key(fields: "id") { id: ID! echo(word: String @fromContext(field: "$root { word }")): String }`;
    const other = `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
      type Query { other: Int } type Child @key(fields: "id") { id: ID! more: Int }`;
    const composed = composeServed([
      { name: 'a', url: 'http://127.0.0.1/a', sdl },
      { name: 'b', url: 'http://127.0.0.1/b', sdl: other },
    ]);
    expect(() => readSupergraph(composed)).toThrow(expect.objectContaining({ code: 'SUPERGRAPH_INVALID' }));
  });
});
