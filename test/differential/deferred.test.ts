import { describe, expect, it } from 'vitest';
import { ALL_GRAPHS } from './graphs/all-graphs.ts';
import { deferring, mergedParts } from './kit/deferring.ts';
import { generateOperation } from './kit/operation-generator.ts';
import { useGraph } from './kit/start-graph.ts';
import type { Ask } from './kit/two-engines.ts';

const SEEDS = Array.from({ length: 10 }, (_, seed) => seed);

describe.each(ALL_GRAPHS)('parts of deferred answers on $title', (graph) => {
  const running = useGraph(graph.subgraphs);

  /** What is answered without an error is the same in parts; what fails, fails somewhere in them. */
  async function expectSame(ask: Ask, seed: number): Promise<void> {
    const text = deferring(ask.text, seed);
    const whole = await running.engines.response('native', ask);
    const parts = mergedParts(await running.engines.inParts({ ...ask, text }));
    if (whole.body.errors === undefined) {
      expect(parts, text).toEqual({ data: whole.body.data, errors: [] });
    } else {
      expect(parts.errors.length, text).toBeGreaterThan(0);
    }
    const { body } = await running.engines.response('native', { ...ask, text });
    expect(body.data, text).toEqual(whole.body.data);
  }

  const queries = graph.operations
    .map((each): Ask => (typeof each === 'string' ? { text: each } : each))
    .filter(({ text }) => !/^\s*mutation/u.test(text));

  it('come to the answer without @defer', async () => {
    for (const [index, ask] of queries.entries()) await expectSame(ask, index);
  });

  it.each(SEEDS)('come to it for the generated operation %i', async (seed) => {
    const { apiSchema: schema } = running.engines.supergraph;
    const options = { seed, ids: graph.ids, depthMax: 5, avoid: new Set(graph.avoid ?? []) };
    await expectSame(generateOperation(schema, options), seed);
  });
});
