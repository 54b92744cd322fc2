import { readTypeDefs } from '../kit/schema-source.ts';
import { type RunningSubgraph, type SubgraphPlacement, startSubgraph } from '../kit/subgraph-server.ts';
import { createOrdersLoaders } from './loaders.ts';
import { OrderFeed } from './order-feed.ts';
import { OrdersStore } from './orders-store.ts';
import { createOrdersResolvers } from './resolvers.ts';

/** Starts the orders subgraph on a fresh copy of its seed. */
export function startOrders(placement: SubgraphPlacement): Promise<RunningSubgraph> {
  const store = new OrdersStore({ now: () => new Date() });
  return startSubgraph({
    ...placement,
    name: 'orders',
    typeDefs: readTypeDefs(import.meta.url),
    resolvers: createOrdersResolvers({ store, feed: new OrderFeed() }),
    createLoaders: (principal) => createOrdersLoaders(store, principal),
  });
}
