import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../property-runs.ts';
import { ALL_GRAPHS } from './graphs/all-graphs.ts';
import { generateOperation } from './kit/operation-generator.ts';
import { expectSameAnswer, plain } from './kit/same-answer.ts';
import { useGraph } from './kit/start-graph.ts';
import type { Ask } from './kit/two-engines.ts';

const GENERATED = 15;
const FRESH_RUNS = 8;
const DEPTH_MAX = 6;

describe.each(ALL_GRAPHS)('both engines on $title', (graph) => {
  const running = useGraph(graph.subgraphs);
  const apolloLosesData = graph.apolloLosesData === true;
  const asks: Ask[] = graph.operations.map((each) => (typeof each === 'string' ? { text: each } : each));
  const generated = (seed: number): Ask =>
    generateOperation(running.engines.supergraph.apiSchema, {
      seed,
      ids: graph.ids,
      depthMax: DEPTH_MAX,
      avoid: new Set(graph.avoid ?? []),
    });

  it.each(asks)('give the same answer to $text $variables', async (ask) => {
    const { native, apollo } = await running.engines.both(ask);
    expectSameAnswer(native, apollo, { ask, apolloLosesData });
  });

  it.each(asks)('give what Apollo makes of the text as written: $text $variables', async (ask) => {
    const native = await running.engines.ask('native', ask);
    expect(plain(native.data)).toEqual(plain(await running.engines.untouched(ask)));
  });

  it.each(Array.from({ length: GENERATED }, (_, seed) => seed))(
    'give the same answer to the generated operation %i',
    async (seed) => {
      const ask = generated(seed);
      const { native, apollo } = await running.engines.both(ask);
      expectSameAnswer(native, apollo, { ask, apolloLosesData });
    },
  );

  it('give the same answers to operations of many seeds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: GENERATED, max: 1_000_000 }), async (seed) => {
        const ask = generated(seed);
        const { native, apollo } = await running.engines.both(ask);
        expectSameAnswer(native, apollo, { ask, apolloLosesData });
      }),
      { numRuns: runs(FRESH_RUNS), endOnFailure: true },
    );
  });
});
