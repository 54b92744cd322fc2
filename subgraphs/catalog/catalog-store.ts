import { pickEntries } from '../kit/pick-entries.ts';
import { type Category, type Product, type SupplierRegion, seedCategories, seedProducts } from './data.ts';

export interface ProductQuery {
  readonly first: number;
  /** SKU after which the page starts. */
  readonly after: string | null;
  readonly supplierRegion: SupplierRegion | null;
}

export interface ProductSlice {
  readonly nodes: readonly Product[];
  readonly hasNextPage: boolean;
}

/** Products and categories in memory, the same for every tenant. */
export class CatalogStore {
  readonly #products = new Map<string, Product>(seedProducts().map((product) => [product.sku, product]));
  readonly #categories = new Map<string, Category>(
    seedCategories().map((category) => [category.id, category]),
  );

  async productsBySku(skus: readonly string[]): Promise<ReadonlyMap<string, Product>> {
    return pickEntries(this.#products, skus);
  }

  async categoriesById(ids: readonly string[]): Promise<ReadonlyMap<string, Category>> {
    return pickEntries(this.#categories, ids);
  }

  async listCategories(): Promise<readonly Category[]> {
    return [...this.#categories.values()];
  }

  async productsOfCategory(categoryId: string, first: number): Promise<readonly Product[]> {
    return this.#products
      .values()
      .filter((product) => product.categoryId === categoryId)
      .take(first)
      .toArray();
  }

  /** Products in the order of their SKUs. */
  async listProducts({ first, after, supplierRegion }: ProductQuery): Promise<ProductSlice> {
    const rest = this.#products
      .values()
      .filter((product) => after === null || product.sku > after)
      .filter((product) => supplierRegion === null || suppliedFrom(product) === supplierRegion)
      .take(first + 1)
      .toArray();
    return { nodes: rest.slice(0, first), hasNextPage: rest.length > first };
  }

  async search(text: string, first: number): Promise<readonly (Product | Category)[]> {
    const words = text
      .toLowerCase()
      .split(/\s+/u)
      .filter((word) => word !== '');
    return [...this.#products.values(), ...this.#categories.values()]
      .filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)))
      .slice(0, first);
  }
}

function suppliedFrom(product: Product): SupplierRegion | null {
  return product.__typename === 'Device' ? product.supplier.region : null;
}
