import type { GraphQLSchema } from 'graphql';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { CatalogStore } from '../../../subgraphs/catalog/catalog-store.ts';
import { seedProducts } from '../../../subgraphs/catalog/data.ts';
import { createCatalogLoaders } from '../../../subgraphs/catalog/loaders.ts';
import { createCatalogResolvers } from '../../../subgraphs/catalog/resolvers.ts';
import { codes, ENTITIES, plain, principal, run, subgraphSchema } from '../support.ts';

let store: CatalogStore;
let schema: GraphQLSchema;

beforeEach(() => {
  store = new CatalogStore();
  schema = subgraphSchema('catalog', createCatalogResolvers(store));
});

function ask(
  source: string,
  variables: Readonly<Record<string, unknown>> = {},
  tenant: string | null = 'acme',
) {
  const context = { principal: principal({ tenant }), loaders: createCatalogLoaders(store) };
  return run(source, { schema, context, variables });
}

const PAGE = `query ($first: Int!, $after: String, $region: SupplierRegion) {
  products(first: $first, after: $after, supplierRegion: $region) {
    nodes { sku } pageInfo { hasNextPage endCursor }
  }
}`;
interface Page {
  readonly products: {
    readonly nodes: readonly { readonly sku: string }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

async function readPage(variables: Readonly<Record<string, unknown>>): Promise<Page['products']> {
  return (plain((await ask(PAGE, variables)).data) as Page).products;
}

describe('the catalog', () => {
  it('answers every tenant the same', async () => {
    const source = '{ products(first: 100) { nodes { sku name price { amountMinor currency } } } }';
    const answers = await Promise.all(
      ['acme', 'globex', null].map(async (tenant) => plain(await ask(source, {}, tenant))),
    );
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  it('gives all products exactly once over pages that follow each other', async () => {
    const skus: string[] = [];
    let after: string | null = null;
    do {
      const page: Page['products'] = await readPage({ first: 7, after });
      skus.push(...page.nodes.map(({ sku }) => sku));
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    } while (after !== null);
    expect(skus).toEqual(seedProducts().map(({ sku }) => sku));
  });

  it('says that there is no next page after exactly the last product', async () => {
    expect((await readPage({ first: 24 })).pageInfo.hasNextPage).toBe(false);
    expect((await readPage({ first: 23 })).pageInfo.hasNextPage).toBe(true);
  });

  it('limits products to those of a supplier region', async () => {
    const page = await readPage({ first: 100, region: 'AMERICAS' });
    expect(page.nodes.map(({ sku }) => sku)).toEqual(['DV-003', 'DV-006', 'DV-009', 'DV-012']);
  });

  it.each(['x', 'DV-001', Buffer.from('id:DV-001').toString('base64url')])(
    'refuses the cursor %s',
    async (after) => {
      expect(codes(await ask(PAGE, { first: 1, after }))).toEqual(['BAD_USER_INPUT']);
    },
  );

  it.each([
    [-1, ['BAD_USER_INPUT']],
    [0, ['BAD_USER_INPUT']],
    [1, []],
    [100, []],
    [101, ['BAD_USER_INPUT']],
  ])('answers a page of %i products with the codes %j', async (first, expected) => {
    expect(codes(await ask(PAGE, { first }))).toEqual(expected);
  });

  it('finds books, devices and categories by all words of a text', async () => {
    const source =
      'query ($text: String!) { search(text: $text) { __typename ... on Book { name } ... on Category { name } } }';
    expect(plain((await ask(source, { text: 'BOOKS computing' })).data)).toEqual({
      search: [{ __typename: 'Category', name: 'Computing books' }],
    });
    expect(plain((await ask(source, { text: 'keyboard' })).data)).toMatchObject({
      search: [...Array.from({ length: 5 }, () => ({ __typename: 'Device' })), { __typename: 'Category' }],
    });
  });

  it('resolves the products of a request with one load and their categories with another', async () => {
    const products = vi.spyOn(store, 'productsBySku');
    const categories = vi.spyOn(store, 'categoriesById');
    const representations = [
      { __typename: 'Book', sku: 'BK-001' },
      { __typename: 'Device', sku: 'DV-001' },
      { __typename: 'Book', sku: 'BK-002' },
    ];
    const { data } = await ask(
      `${ENTITIES} { __typename ... on Book { name category { name } } ... on Device { category { name } } } }`,
      { representations },
    );
    expect(plain(data)).toEqual({
      _entities: [
        { __typename: 'Book', name: 'Graphs and Their Queries', category: { name: 'Computing books' } },
        { __typename: 'Device', category: { name: 'Keyboards' } },
        { __typename: 'Book', name: 'A Federation of Small Services', category: { name: 'Computing books' } },
      ],
    });
    expect([products.mock.calls.length, categories.mock.calls.length]).toEqual([1, 1]);
  });

  it.each([
    ['of an unknown SKU', { __typename: 'Book', sku: 'BK-999' }],
    ['of a SKU of the other type', { __typename: 'Book', sku: 'DV-001' }],
    ['of an unknown category', { __typename: 'Category', id: 'weapons' }],
  ])('resolves a representation %s to null', async (_, representation) => {
    const { data, errors } = await ask(`${ENTITIES} { __typename } }`, { representations: [representation] });
    expect([plain(data), errors]).toEqual([{ _entities: [null] }, undefined]);
  });
});
