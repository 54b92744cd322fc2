import { refuse, requireScope, requireTenant } from '../kit/access.ts';
import type { Order, OrderLine } from './data.ts';
import type { OrdersContext } from './loaders.ts';
import type { OrderFeed } from './order-feed.ts';
import type { OrdersStore } from './orders-store.ts';

const LINES_MAX = 20;
const QUANTITY_MAX = 99;
const NOTE_CHARACTERS_MAX = 200;

export interface PlaceOrderInput {
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
  readonly note?: string | null;
}

export interface CancelOrderInput {
  readonly id: string;
  readonly reason?: string | null;
}

/** Where commands take effect and are told about. */
export interface OrderDesk {
  readonly store: OrdersStore;
  readonly feed: OrderFeed;
}

/** Places an order for the calling user. Throws: GraphQLError `FORBIDDEN` or `BAD_USER_INPUT`. */
export async function placeOrder(
  { store, feed }: OrderDesk,
  input: PlaceOrderInput,
  { principal, loaders }: OrdersContext,
): Promise<Order> {
  const tenantId = requireTenant(principal);
  requireScope(principal, 'orders:write');
  if (principal.kind !== 'user') throw refuse('FORBIDDEN', 'Only a user can place an order.');
  const note = boundedText(input.note, 'note');
  const lines = await priceLines(input.lines, loaders.listing);
  const order = await store.place({ tenantId, customerId: principal.subject, lines, note });
  feed.publish(order);
  return order;
}

/** Cancels an order of the caller's tenant. Throws: GraphQLError `FORBIDDEN`, `BAD_USER_INPUT`, `NOT_FOUND` or `ORDER_SHIPPED`. */
export async function cancelOrder(
  { store }: OrderDesk,
  input: CancelOrderInput,
  { principal }: OrdersContext,
): Promise<Order> {
  const tenant = requireTenant(principal);
  requireScope(principal, 'orders:write');
  const order = await store.cancel(tenant, input.id, boundedText(input.reason, 'reason'));
  if (order === null) throw refuse('NOT_FOUND', 'There is no such order.');
  if (order.status === 'SHIPPED') throw refuse('ORDER_SHIPPED', 'The order was shipped already.');
  return order;
}

async function priceLines(
  lines: PlaceOrderInput['lines'],
  listings: OrdersContext['loaders']['listing'],
): Promise<Order['lines']> {
  if (lines.length > LINES_MAX) throw refuse('BAD_USER_INPUT', `An order has at most ${LINES_MAX} lines.`);
  const [first, ...rest] = await Promise.all(
    lines.map(async ({ sku, quantity }): Promise<OrderLine> => {
      if (quantity < 1 || quantity > QUANTITY_MAX) {
        throw refuse('BAD_USER_INPUT', `A quantity is between 1 and ${QUANTITY_MAX}.`);
      }
      const listing = await listings.load(sku);
      if (listing === null) throw refuse('BAD_USER_INPUT', 'A line names a product that is not sold.');
      return { listing, quantity, unitPrice: listing.price };
    }),
  );
  if (first === undefined) throw refuse('BAD_USER_INPUT', 'An order has at least one line.');
  if (rest.some(({ unitPrice }) => unitPrice.currency !== first.unitPrice.currency)) {
    throw refuse('BAD_USER_INPUT', 'All lines of an order are in one currency.');
  }
  return [first, ...rest];
}

function boundedText(text: string | null | undefined, name: string): string | null {
  if (text === null || text === undefined) return null;
  if (text.length > NOTE_CHARACTERS_MAX) {
    throw refuse('BAD_USER_INPUT', `"${name}" has at most ${NOTE_CHARACTERS_MAX} characters.`);
  }
  return text;
}
