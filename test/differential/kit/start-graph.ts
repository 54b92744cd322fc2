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
