/** One operation that the gateways are measured with. */
export interface Workload {
  readonly name: WorkloadName;
  readonly about: string;
  readonly query: string;
}

export const WORKLOAD_NAMES = ['small', 'entity', 'big'] as const;

export type WorkloadName = (typeof WORKLOAD_NAMES)[number];

/** Identical: every request is the same. Distinct: each has its own variables, so no two fetches are alike. */
export const LOAD_KINDS = ['identical', 'distinct'] as const;

export type LoadKind = (typeof LOAD_KINDS)[number];

/** A tag as it travels in bodies; of one length, so that it can be written in place. */
export const TAG_PATTERN = /tag-[0-9]{10}/g;

/** The tag of the n-th request. */
export function tagOf(count: number): string {
  return `tag-${String(count % 10_000_000_000).padStart(10, '0')}`;
}

const BIG = `
fragment User on User { id username name(tag: $tag) }
fragment Review on Review { id body(tag: $tag) }
fragment Product on Product { inStock(tag: $tag) name(tag: $tag) price shippingEstimate(tag: $tag) upc weight }
query Big($tag: String) {
  users {
    ...User
    reviews {
      ...Review
      product {
        ...Product
        reviews { ...Review author { ...User reviews { ...Review product { ...Product } } } }
      }
    }
  }
  topProducts(first: 5) {
    ...Product
    reviews { ...Review author { ...User reviews { ...Review product { ...Product } } } }
  }
}`;

/** The operations, by size. */
export const WORKLOADS: Readonly<Record<WorkloadName, Workload>> = {
  small: {
    name: 'small',
    about: 'two objects of one subgraph, 1 fetch',
    query:
      'query Small($tag: String) { user(id: "1") { id username name(tag: $tag) birthday } other: user(id: "2") { id username name(tag: $tag) birthday } }',
  },
  entity: {
    name: 'entity',
    about: 'five objects completed by a second subgraph, 2 fetches in 2 steps',
    query:
      'query Entity($tag: String) { topProducts(first: 5) { upc name(tag: $tag) reviews { id body(tag: $tag) } } }',
  },
  big: {
    name: 'big',
    about: 'the query of the public federation-gateway benchmark, 16 fetches in 4 steps',
    query: BIG,
  },
};

/** The body of a request. */
export function requestBody(workload: Workload, tag: string): string {
  return JSON.stringify({ query: workload.query, variables: { tag } });
}
