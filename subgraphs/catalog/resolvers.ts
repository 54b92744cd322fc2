import { pageSize, refuse } from '../kit/access.ts';
import type { SubgraphResolvers } from '../kit/subgraph-server.ts';
import type { CatalogStore } from './catalog-store.ts';
import type { Category, Product, SupplierRegion } from './data.ts';
import type { CatalogContext } from './loaders.ts';

const PAGE_SIZE_MAX = 100;
const SEARCH_RESULTS_MAX = 50;

interface ProductsArgs {
  readonly first: number;
  readonly after?: string | null;
  readonly supplierRegion?: SupplierRegion | null;
}

/** Resolvers of the catalog subgraph. Products are public to every tenant, so that no resolver asks who the caller is. */
export function createCatalogResolvers(store: CatalogStore): SubgraphResolvers {
  return {
    Query: {
      product: (_: unknown, { sku }: { sku: string }, { loaders }: CatalogContext) =>
        loaders.product.load(sku),
      products: (_: unknown, args: ProductsArgs) => listProducts(store, args),
      categories: () => store.listCategories(),
      search: (_: unknown, { text, first }: { text: string; first: number }) =>
        store.search(text, pageSize(first, SEARCH_RESULTS_MAX)),
    },
    Book: productResolvers('Book'),
    Device: productResolvers('Device'),
    Category: {
      __resolveReference: ({ id }: { id: string }, { loaders }: CatalogContext) => loaders.category.load(id),
      products: ({ id }: Category, { first }: { first: number }) =>
        store.productsOfCategory(id, pageSize(first, SEARCH_RESULTS_MAX)),
    },
  };
}

function productResolvers(typeName: Product['__typename']) {
  return {
    // A SKU of the other type is not this entity, whoever asks for it.
    __resolveReference: async ({ sku }: { sku: string }, { loaders }: CatalogContext) => {
      const product = await loaders.product.load(sku);
      return product?.__typename === typeName ? product : null;
    },
    category: (product: Product, _: unknown, { loaders }: CatalogContext) =>
      loaders.category.load(product.categoryId),
    generatedDescription: ({ name, description }: Product) => ({
      ...{ task: 'DESCRIBE', source: `${name}. ${description}` },
    }),
  };
}

async function listProducts(store: CatalogStore, { first, after, supplierRegion }: ProductsArgs) {
  const { nodes, hasNextPage } = await store.listProducts({
    first: pageSize(first, PAGE_SIZE_MAX),
    after: after == null ? null : decodeCursor(after),
    supplierRegion: supplierRegion ?? null,
  });
  const last = nodes.at(-1);
  return { nodes, pageInfo: { hasNextPage, endCursor: last === undefined ? null : encodeCursor(last.sku) } };
}

function encodeCursor(sku: string): string {
  return Buffer.from(`sku:${sku}`, 'utf8').toString('base64url');
}

function decodeCursor(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!text.startsWith('sku:')) throw refuse('BAD_USER_INPUT', '"after" is not a cursor of this list.');
  return text.slice('sku:'.length);
}
