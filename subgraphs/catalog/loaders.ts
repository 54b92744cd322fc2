import { batchLoader } from '../kit/batch-loader.ts';
import type { SubgraphContext } from '../kit/subgraph-server.ts';
import type { CatalogStore } from './catalog-store.ts';
import type { Category, Product } from './data.ts';

export interface CatalogLoaders {
  readonly product: ReturnType<typeof batchLoader<Product>>;
  readonly category: ReturnType<typeof batchLoader<Category>>;
}

export type CatalogContext = SubgraphContext<CatalogLoaders>;

/** Loaders of one request. */
export function createCatalogLoaders(store: CatalogStore): CatalogLoaders {
  return {
    product: batchLoader((skus) => store.productsBySku(skus)),
    category: batchLoader((ids) => store.categoriesById(ids)),
  };
}
