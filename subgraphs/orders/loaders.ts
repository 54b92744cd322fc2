import type { SubgraphPrincipal } from '../kit/assertion.ts';
import { batchLoader } from '../kit/batch-loader.ts';
import type { SubgraphContext } from '../kit/subgraph-server.ts';
import type { Listing, Order } from './data.ts';
import type { OrdersStore } from './orders-store.ts';

export interface OrdersLoaders {
  readonly order: ReturnType<typeof batchLoader<Order>>;
  readonly ordersByCustomer: ReturnType<typeof batchLoader<readonly Order[]>>;
  readonly listing: ReturnType<typeof batchLoader<Listing>>;
  readonly salesRank: ReturnType<typeof batchLoader<number>>;
}

export type OrdersContext = SubgraphContext<OrdersLoaders>;

/** Loaders of one request; a caller without a tenant finds no orders. */
export function createOrdersLoaders(store: OrdersStore, { tenant }: SubgraphPrincipal): OrdersLoaders {
  return {
    order: batchLoader(async (ids) => (tenant === null ? new Map() : store.ordersById(tenant, ids))),
    ordersByCustomer: batchLoader(async (ids) =>
      tenant === null ? new Map() : store.ordersByCustomer(tenant, ids),
    ),
    listing: batchLoader((skus) => store.listingsBySku(skus)),
    salesRank: batchLoader((skus) => store.salesRanks(skus)),
  };
}
