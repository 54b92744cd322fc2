export interface Money {
  readonly amountMinor: number;
  readonly currency: 'EUR' | 'USD';
}

/** What this service keeps of a product of the catalog: enough to take an order while the catalog is away. */
export interface Listing {
  readonly __typename: 'Book' | 'Device';
  readonly sku: string;
  readonly name: string;
  readonly price: Money;
}

export interface OrderLine {
  readonly listing: Listing;
  readonly quantity: number;
  /** Of the day of the order; the listing's may have changed since. */
  readonly unitPrice: Money;
}

export interface Order {
  readonly __typename: 'Order';
  readonly id: string;
  readonly tenantId: string;
  readonly status: 'PLACED' | 'SHIPPED' | 'CANCELLED';
  /** RFC 3339, UTC. */
  readonly placedAt: string;
  readonly customerId: string;
  /** At least one, all in one currency. */
  readonly lines: readonly [OrderLine, ...OrderLine[]];
  readonly note: string | null;
  readonly cancelReason: string | null;
  /** Null until the books are closed. */
  readonly marginPercent: number | null;
}

const BOOKS: readonly (readonly [string, number])[] = [
  ['Graphs and Their Queries', 4_990],
  ['A Federation of Small Services', 3_450],
  ['Capabilities in Practice', 5_200],
  ['The Honest Log', 2_800],
  ['Queues, Bounds and Backpressure', 4_100],
  ['Types for the Working Engineer', 6_150],
  ['The Gatekeeper of Vell', 1_499],
  ['Seven Keys to an Open Door', 1_299],
  ['Night Watch on the Portcullis', 1_699],
  ['A Cartography of Rooms', 1_199],
  ['The Ledger of Salt', 1_399],
  ['Drawbridge Summer', 999],
];

const DEVICES: readonly (readonly [string, number])[] = [
  ['Compact Keyboard', 8_900],
  ['Split Keyboard', 18_900],
  ['Quiet Keyboard', 7_400],
  ['Travel Keyboard', 5_900],
  ['Terminal Keyboard', 12_900],
  ['Numeric Pad', 3_900],
  ['Door Sensor', 2_900],
  ['Motion Sensor', 3_400],
  ['Air Quality Sensor', 9_900],
  ['Water Leak Sensor', 2_400],
  ['Light Sensor', 1_900],
  ['Vibration Sensor', 4_400],
];

/** One listing per product of the catalog; the first six books and all devices are sold in euros. */
export function seedListings(): Listing[] {
  const listing = (typeName: Listing['__typename'], prefix: string) => {
    return ([name, amountMinor]: readonly [string, number], index: number): Listing => ({
      __typename: typeName,
      sku: `${prefix}-${String(index + 1).padStart(3, '0')}`,
      name,
      price: { amountMinor, currency: typeName === 'Book' && index >= 6 ? 'USD' : 'EUR' },
    });
  };
  return [...BOOKS.map(listing('Book', 'BK')), ...DEVICES.map(listing('Device', 'DV'))];
}

const CUSTOMERS: readonly (readonly [string, readonly string[]])[] = [
  ['acme', ['ada', 'alan', 'barbara', 'edsger', 'grace', 'john']],
  ['globex', ['donald', 'frances', 'kathleen', 'leslie', 'niklaus', 'tony']],
  ['initech', ['adele', 'butler', 'jean', 'karen', 'peter', 'radia']],
];
const ORDERS_PER_TENANT = 12;

/** Twelve orders per tenant, oldest first, ids `<tenant>-1001` to `<tenant>-1012`, two per customer. */
export function seedOrders(listings: readonly Listing[]): Order[] {
  const euros = listings.filter(({ price }) => price.currency === 'EUR');
  return CUSTOMERS.flatMap(([tenantId, customers], tenantIndex) =>
    Array.from({ length: ORDERS_PER_TENANT }, (_, index): Order => {
      const line = (step: number): OrderLine => seedLine(euros, tenantIndex * 5 + index * 3 + step * 7, step);
      return {
        __typename: 'Order',
        id: `${tenantId}-${1_001 + index}`,
        tenantId,
        status: index < 8 ? 'SHIPPED' : index === 8 ? 'CANCELLED' : 'PLACED',
        placedAt: `2026-04-${String(index * 2 + 1).padStart(2, '0')}T09:30:00.000Z`,
        customerId: `${tenantId}-${customers[index % customers.length] ?? 'unknown'}`,
        lines: [line(0), ...Array.from({ length: index % 3 }, (__, step) => line(step + 1))],
        note: index % 4 === 0 ? 'Leave at the gate.' : null,
        cancelReason: index === 8 ? 'Ordered twice.' : null,
        marginPercent: 30 + ((tenantIndex + index) % 5) * 1.5,
      };
    }),
  );
}

function seedLine(listings: readonly Listing[], place: number, step: number): OrderLine {
  const listing = listings[place % listings.length];
  if (listing === undefined) throw new RangeError('The seed needs listings.');
  return { listing, quantity: 1 + ((place + step) % 3), unitPrice: listing.price };
}
