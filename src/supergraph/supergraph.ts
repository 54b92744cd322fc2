import type { GraphQLSchema } from 'graphql';
import type { CostRules, SecurityPolicy } from './policy.ts';
import type { Tags } from './tags.ts';

/** One loaded generation of the graph; frozen, swapped whole. */
export interface Supergraph {
  /** SHA-256 of the SDL, hex. */
  readonly id: string;
  /** As composed, security directives included. */
  readonly sdl: string;
  /** For planning: without what Apollo's gateway refuses to load, and with all that the gateway itself asks for. */
  readonly strippedSdl: string;
  /** What clients see. */
  readonly apiSchema: GraphQLSchema;
  readonly policy: SecurityPolicy;
  readonly costRules: CostRules;
  readonly tags: Tags;
  readonly subgraphs: readonly SubgraphEntry[];
}

export interface SubgraphEntry {
  readonly name: string;
  readonly url: string;
}
