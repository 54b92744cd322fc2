import type { GraphQLSchema } from 'graphql';
import type { CostRules, SecurityPolicy } from './policy.ts';

/** One loaded generation of the graph; frozen, swapped whole. */
export interface Supergraph {
  /** SHA-256 of the SDL, hex. */
  readonly id: string;
  /** As composed, security directives included. */
  readonly sdl: string;
  /** Without what Apollo's gateway refuses to load; only the reference executor takes it. */
  readonly strippedSdl: string;
  /** What clients see. */
  readonly apiSchema: GraphQLSchema;
  readonly policy: SecurityPolicy;
  readonly costRules: CostRules;
  readonly subgraphs: readonly SubgraphEntry[];
}

export interface SubgraphEntry {
  readonly name: string;
  readonly url: string;
}
