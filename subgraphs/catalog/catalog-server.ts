import { readTypeDefs } from '../kit/schema-source.ts';
import { type RunningSubgraph, type SubgraphPlacement, startSubgraph } from '../kit/subgraph-server.ts';
import { CatalogStore } from './catalog-store.ts';
import { createCatalogLoaders } from './loaders.ts';
import { createCatalogResolvers } from './resolvers.ts';

/** Starts the catalog subgraph. */
export function startCatalog(placement: SubgraphPlacement): Promise<RunningSubgraph> {
  const store = new CatalogStore();
  return startSubgraph({
    ...placement,
    name: 'catalog',
    typeDefs: readTypeDefs(import.meta.url),
    resolvers: createCatalogResolvers(store),
    createLoaders: () => createCatalogLoaders(store),
  });
}
