import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mutationGraph } from './graphs/mutations.ts';
import { expectSameAnswer } from './kit/same-answer.ts';
import { type RunningGraph, startGraph } from './kit/start-graph.ts';
import type { Ask } from './kit/two-engines.ts';

const log: string[] = [];
const graph = mutationGraph(log);
let running: RunningGraph;

beforeAll(async () => {
  running = await startGraph(graph.subgraphs);
});

afterAll(() => running.close());

beforeEach(() => {
  log.length = 0;
});

describe('mutations', () => {
  it.each(graph.operations.map((each): Ask => (typeof each === 'string' ? { text: each } : each)))(
    'run in the same order with the same answer: $text',
    async (ask) => {
      const native = await running.engines.ask('native', ask);
      const order = log.splice(0);
      const apollo = await running.engines.ask('apollo', ask);
      expectSameAnswer(native, apollo, { ask });
      expect(order).toEqual(log);
      expect(order.length).toBeGreaterThan(0);
    },
  );

  it('run one after another over two subgraphs, as written', async () => {
    await running.engines.ask('native', {
      text: 'mutation { third(n: 1) { id } second(n: 2) { trail } first(n: 3) { trail } b: second(n: 4) { id } }',
    });
    expect(log).toEqual(['third 1', 'second 2', 'first 3', 'second 4']);
  });

  it('are not shared: equal ones at once all run', async () => {
    const text = 'mutation { first(n: 1) { id } }';
    await Promise.all(Array.from({ length: 10 }, () => running.engines.ask('native', { text })));
    expect(log).toHaveLength(10);
  });
});
