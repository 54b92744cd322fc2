import type { SubgraphFixture } from '../kit/subgraph-fixture.ts';

/** A small supergraph that exercises one part of federation, with the operations written for it. */
export interface FeatureGraph {
  readonly title: string;
  readonly subgraphs: readonly SubgraphFixture[];
  /** Identifiers that generated operations may look up. */
  readonly ids: readonly string[];
  /** Coordinates where the engines are known to differ, so that generated operations keep away from them. */
  readonly avoid?: readonly string[];
  /** True where Apollo answers null for generated operations that we answer; each class stands in `differences.test.ts`. */
  readonly apolloLosesData?: boolean;
  readonly operations: readonly (
    | string
    | { readonly text: string; readonly variables: Readonly<Record<string, unknown>> }
  )[];
}

/** What an entity's key says of it, as a subgraph gets it. */
export type Reference = Readonly<Record<string, unknown>>;
