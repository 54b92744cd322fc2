import { pageSize, refuse, requireTenant } from '../kit/access.ts';
import type { SubgraphResolvers } from '../kit/subgraph-server.ts';
import type { Listing, Money, Order, OrderLine } from './data.ts';
import type { OrdersContext } from './loaders.ts';
import {
  type CancelOrderInput,
  cancelOrder,
  type OrderDesk,
  type PlaceOrderInput,
  placeOrder,
} from './order-commands.ts';
import { estimateShipping } from './shipping.ts';

const PAGE_SIZE_MAX = 100;

interface OrdersArgs {
  readonly first: number;
  readonly status?: Order['status'] | null;
}

/** What the gateway sends of a product: the key, and what `@requires` asks for where it is needed. */
interface ProductRepresentation {
  readonly sku: string;
  readonly weightGrams?: number;
  readonly price?: Money;
}

/** Resolvers of the orders subgraph; all of them see the caller's tenant only. */
export function createOrdersResolvers(desk: OrderDesk): SubgraphResolvers {
  return {
    Query: {
      order: (_: unknown, { id }: { id: string }, { loaders }: OrdersContext) => loaders.order.load(id),
      orders: (_: unknown, { first, status }: OrdersArgs, { principal }: OrdersContext) =>
        desk.store.listOrders(requireTenant(principal), {
          first: pageSize(first, PAGE_SIZE_MAX),
          status: status ?? null,
        }),
    },
    Mutation: {
      placeOrder: (_: unknown, { input }: { input: PlaceOrderInput }, context: OrdersContext) =>
        placeOrder(desk, input, context),
      cancelOrder: (_: unknown, { input }: { input: CancelOrderInput }, context: OrdersContext) =>
        cancelOrder(desk, input, context),
    },
    Subscription: {
      orderPlaced: {
        subscribe: (_: unknown, __: unknown, { principal }: OrdersContext) =>
          desk.feed.subscribe(requireTenant(principal)),
        resolve: (order: Order) => order,
      },
    },
    Order: orderResolvers,
    OrderLine: {
      product: ({ listing }: OrderLine) => listing,
      total: (line: OrderLine) => totalOf([line]),
    },
    User: {
      // The user lives in another subgraph: what it is here is its id, and orders are judged by the tenant.
      __resolveReference: ({ id }: { id: string }) => ({ __typename: 'User', id }),
      orders: async ({ id }: { id: string }, { first }: OrdersArgs, { loaders }: OrdersContext) =>
        (await loaders.ordersByCustomer.load(id))?.slice(0, pageSize(first, PAGE_SIZE_MAX)) ?? [],
    },
    Book: productResolvers('Book'),
    Device: productResolvers('Device'),
  };
}

const orderResolvers = {
  __resolveReference: ({ id }: { id: string }, { loaders }: OrdersContext) => loaders.order.load(id),
  customer: ({ customerId }: Order) => ({ __typename: 'User', id: customerId }),
  total: ({ lines }: Order) => totalOf(lines),
  generatedSummary: (order: Order) => ({ task: 'SUMMARIZE', source: inWords(order) }),
};

function productResolvers(typeName: Listing['__typename']) {
  return {
    __resolveReference: async (representation: ProductRepresentation, { loaders }: OrdersContext) => {
      const { sku, weightGrams, price } = representation;
      const listing = await loaders.listing.load(sku);
      return listing?.__typename === typeName ? { __typename: typeName, sku, weightGrams, price } : null;
    },
    salesRank: ({ sku }: ProductRepresentation, _: unknown, { loaders }: OrdersContext) =>
      loaders.salesRank.load(sku),
    shippingEstimate: ({ weightGrams, price }: ProductRepresentation) => {
      if (weightGrams === undefined || price === undefined) {
        throw refuse('BAD_USER_INPUT', 'The representation lacks what the estimate requires.');
      }
      return estimateShipping(weightGrams, price);
    },
  };
}

/** An order as its model reads it: neither who bought, nor what customers wrote, nor margins go to a model. */
function inWords({ status, placedAt, lines }: Order): string {
  const wares = lines.map(({ quantity, listing }) => `${quantity} of "${listing.name}"`).join(', ');
  const { amountMinor, currency } = totalOf(lines);
  const state = status.toLowerCase();
  return `The order of ${placedAt.slice(0, 10)} is ${state}: ${wares}. The total is ${(amountMinor / 100).toFixed(2)} ${currency}.`;
}

function totalOf(lines: Order['lines']): Money {
  const amountMinor = lines.reduce(
    (sum, { quantity, unitPrice }) => sum + quantity * unitPrice.amountMinor,
    0,
  );
  return { amountMinor, currency: lines[0].unitPrice.currency };
}
