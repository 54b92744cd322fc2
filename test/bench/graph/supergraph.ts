import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { SUBGRAPH_NAMES, type SubgraphName, subgraphSchema } from './subgraph-schemas.ts';

/** Composes the subgraphs, with their authorization rules or without. */
export function composeBenchmark(urls: Readonly<Record<SubgraphName, string>>, rules: boolean): string {
  const { supergraphSdl, errors } = composeServices(
    SUBGRAPH_NAMES.map((name) => ({ name, url: urls[name], typeDefs: parse(subgraphSchema(name, rules)) })),
  );
  if (errors !== undefined) {
    throw new Error(
      `the benchmark's graph does not compose:\n${errors.map(({ message }) => message).join('\n')}`,
    );
  }
  return supergraphSdl;
}
