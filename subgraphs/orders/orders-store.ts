import { pickEntries } from '../kit/pick-entries.ts';
import { type Listing, type Order, type OrderLine, seedListings, seedOrders } from './data.ts';

/** The oldest orders of a tenant give way beyond this. */
const ORDERS_PER_TENANT_MAX = 10_000;

export interface NewOrder {
  readonly tenantId: string;
  readonly customerId: string;
  readonly lines: Order['lines'];
  readonly note: string | null;
}

export interface OrdersStoreOptions {
  readonly now: () => Date;
  /** Default 10,000. */
  readonly ordersPerTenantMax?: number;
}

/**
 * Orders and listings in memory.
 * Invariant: orders are kept per tenant, so that no lookup can reach those of another.
 */
export class OrdersStore {
  readonly #now: () => Date;
  readonly #ordersPerTenantMax: number;
  readonly #listings: ReadonlyMap<string, Listing>;
  /** Tenant → id → order, oldest first. */
  readonly #orders = new Map<string, Map<string, Order>>();
  readonly #unitsSold = new Map<string, number>();
  readonly #nextNumbers = new Map<string, number>();

  constructor({ now, ordersPerTenantMax = ORDERS_PER_TENANT_MAX }: OrdersStoreOptions) {
    this.#now = now;
    this.#ordersPerTenantMax = ordersPerTenantMax;
    const listings = seedListings();
    this.#listings = new Map(listings.map((listing) => [listing.sku, listing]));
    for (const order of seedOrders(listings)) this.#add(order);
  }

  async listingsBySku(skus: readonly string[]): Promise<ReadonlyMap<string, Listing>> {
    return pickEntries(this.#listings, skus);
  }

  async ordersById(tenant: string, ids: readonly string[]): Promise<ReadonlyMap<string, Order>> {
    return pickEntries(this.#ordersOf(tenant), ids);
  }

  /** Orders of each customer within the tenant, newest first. */
  async ordersByCustomer(
    tenant: string,
    customerIds: readonly string[],
  ): Promise<ReadonlyMap<string, readonly Order[]>> {
    const found = new Map<string, Order[]>(customerIds.map((id) => [id, []]));
    for (const order of this.#newestFirst(tenant)) found.get(order.customerId)?.push(order);
    return found;
  }

  async listOrders(
    tenant: string,
    { first, status }: { first: number; status: Order['status'] | null },
  ): Promise<readonly Order[]> {
    return this.#newestFirst(tenant)
      .filter((order) => status === null || order.status === status)
      .slice(0, first);
  }

  async place({ tenantId, customerId, lines, note }: NewOrder): Promise<Order> {
    const order: Order = {
      __typename: 'Order',
      id: `${tenantId}-${this.#nextNumbers.get(tenantId) ?? 1_001}`,
      tenantId,
      status: 'PLACED',
      placedAt: this.#now().toISOString(),
      customerId,
      lines,
      note,
      cancelReason: null,
      marginPercent: null,
    };
    this.#add(order);
    return order;
  }

  /** Cancels an order of the tenant unless it was shipped; null where the tenant has no such order. */
  async cancel(tenant: string, id: string, reason: string | null): Promise<Order | null> {
    const order = this.#ordersOf(tenant).get(id);
    if (order?.status !== 'PLACED') return order ?? null;
    const cancelled: Order = { ...order, status: 'CANCELLED', cancelReason: reason };
    this.#ordersOf(tenant).set(id, cancelled);
    this.#countUnits(cancelled.lines, -1);
    return cancelled;
  }

  /** Place of each SKU by units sold, 1 for the most; those never sold have none. */
  async salesRanks(skus: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const best = [...this.#unitsSold.entries()]
      .filter(([, units]) => units > 0)
      .sort(([skuA, a], [skuB, b]) => b - a || skuA.localeCompare(skuB));
    return pickEntries(new Map(best.map(([sku], index) => [sku, index + 1])), skus);
  }

  #add(order: Order): void {
    const orders = this.#ordersOf(order.tenantId);
    orders.set(order.id, order);
    this.#orders.set(order.tenantId, orders);
    this.#nextNumbers.set(order.tenantId, Number(order.id.slice(order.tenantId.length + 1)) + 1);
    if (order.status !== 'CANCELLED') this.#countUnits(order.lines, 1);
    const [oldest] = orders.keys();
    if (orders.size > this.#ordersPerTenantMax && oldest !== undefined) orders.delete(oldest);
  }

  #countUnits(lines: readonly OrderLine[], sign: 1 | -1): void {
    for (const { listing, quantity } of lines) {
      this.#unitsSold.set(listing.sku, (this.#unitsSold.get(listing.sku) ?? 0) + sign * quantity);
    }
  }

  #ordersOf(tenant: string): Map<string, Order> {
    return this.#orders.get(tenant) ?? new Map<string, Order>();
  }

  #newestFirst(tenant: string): Order[] {
    return [...this.#ordersOf(tenant).values()].reverse();
  }
}
