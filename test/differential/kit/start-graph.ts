import { afterAll, beforeAll } from 'vitest';
import type { SubgraphFixture } from './subgraph-fixture.ts';
import { type RunningFixture, startFixture } from './subgraph-fixture.ts';
import { type EngineOptions, startTwoEngines, type TwoEngines } from './two-engines.ts';

/** Subgraphs that run, and both engines in front of them. */
export interface RunningGraph {
  readonly engines: TwoEngines;
  readonly subgraphs: readonly RunningFixture[];
  subgraph(name: string): RunningFixture;
  close(): Promise<void>;
}

export async function startGraph(
  fixtures: readonly SubgraphFixture[],
  options: EngineOptions = {},
): Promise<RunningGraph> {
  const subgraphs = await Promise.all(fixtures.map(startFixture));
  const engines = await startTwoEngines(subgraphs, options);
  return {
    engines,
    subgraphs,
    subgraph: (name) => {
      const found = subgraphs.find((each) => each.name === name);
      if (found === undefined) throw new TypeError(`no subgraph ${name}`);
      return found;
    },
    close: async () => {
      await engines.close();
      await Promise.all(subgraphs.map((each) => each.close()));
    },
  };
}

/** A graph that runs while the tests of one description do; nothing of it is held afterwards, though they are. */
export function useGraph(fixtures: readonly SubgraphFixture[]): Pick<RunningGraph, 'engines'> {
  let running: RunningGraph | null = null;
  beforeAll(async () => {
    running = await startGraph(fixtures);
  });
  afterAll(async () => {
    await running?.close();
    running = null;
  });
  return {
    get engines() {
      if (running === null) throw new Error('The graph is there while the tests run.');
      return running.engines;
    },
  };
}
