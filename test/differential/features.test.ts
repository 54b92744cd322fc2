import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALL_GRAPHS } from './graphs/all-graphs.ts';
import { generateOperation } from './kit/operation-generator.ts';
import { type RunningFixture, startFixture } from './kit/subgraph-fixture.ts';
import { type Ask, startTwoEngines, type TwoEngines } from './kit/two-engines.ts';

describe.each(ALL_GRAPHS)('both engines on $title', (graph) => {
  let subgraphs: RunningFixture[];
  let engines: TwoEngines;

  beforeAll(async () => {
    subgraphs = await Promise.all(graph.subgraphs.map(startFixture));
    engines = await startTwoEngines(subgraphs);
  });

  afterAll(async () => {
    await engines.close();
    await Promise.all(subgraphs.map((subgraph) => subgraph.close()));
  });

  const asks: Ask[] = graph.operations.map((each) => (typeof each === 'string' ? { text: each } : each));

  it.each(asks)('give the same answer to $text $variables', async (ask) => {
    const { native, apollo } = await engines.both(ask);
    expect(native).toEqual(apollo);
    expect(JSON.stringify(native.data)).toBe(JSON.stringify(await engines.untouched(ask)));
  });

  it.each(Array.from({ length: 15 }, (_, seed) => seed))('give the same answer to the generated %i', async (seed) => {
    const ask = generateOperation(engines.supergraph.apiSchema, { seed, ids: graph.ids, depthMax: 6 });
    const { native, apollo } = await engines.both(ask);
    expect(native, JSON.stringify(ask)).toEqual(apollo);
    expect(JSON.stringify(native.data)).toBe(JSON.stringify(await engines.untouched(ask)));
  });
});
