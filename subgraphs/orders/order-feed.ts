import { refuse } from '../kit/access.ts';
import type { Order } from './data.ts';

const SUBSCRIBERS_MAX = 1_000;
/** Orders that wait for one subscriber; one that falls further behind is cut off rather than served with gaps. */
const WAITING_ORDERS_MAX = 100;
/** Reads of one subscriber that wait for an order; graphql-js reads one at a time. */
const WAITING_READS_MAX = 100;

type Result = IteratorResult<Order, undefined>;

/** Tells subscribers of one process about the orders of their tenant, and of no other. */
export class OrderFeed {
  readonly #subscriptions = new Set<OrderSubscription>();

  publish(order: Order): void {
    for (const subscription of this.#subscriptions) {
      if (subscription.tenant === order.tenantId) subscription.push(order);
    }
  }

  /** Throws: GraphQLError `TOO_MANY_SUBSCRIPTIONS`. */
  subscribe(tenant: string): AsyncIterableIterator<Order> {
    if (this.#subscriptions.size >= SUBSCRIBERS_MAX) {
      throw refuse('TOO_MANY_SUBSCRIPTIONS', 'No more subscriptions can be served.');
    }
    const subscription = new OrderSubscription(tenant, () => this.#subscriptions.delete(subscription));
    this.#subscriptions.add(subscription);
    return subscription;
  }

  get subscriberCount(): number {
    return this.#subscriptions.size;
  }
}

class OrderSubscription implements AsyncIterableIterator<Order> {
  readonly tenant: string;
  readonly #leave: () => void;
  readonly #orders: Order[] = [];
  readonly #readers: ((result: Result) => void)[] = [];
  #ended = false;
  #fellBehind = false;

  constructor(tenant: string, leave: () => void) {
    this.tenant = tenant;
    this.#leave = leave;
  }

  push(order: Order): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader({ value: order, done: false });
    } else if (this.#orders.length < WAITING_ORDERS_MAX) {
      this.#orders.push(order);
    } else {
      this.#fellBehind = true;
      this.#end();
    }
  }

  next(): Promise<Result> {
    const order = this.#orders.shift();
    if (order !== undefined) return Promise.resolve({ value: order, done: false });
    if (this.#fellBehind) {
      this.#fellBehind = false;
      return Promise.reject(refuse('SUBSCRIPTION_FELL_BEHIND', 'The subscriber reads too slowly.'));
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    if (this.#readers.length >= WAITING_READS_MAX) {
      return Promise.reject(new RangeError('Too many reads wait for an order.'));
    }
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  return(): Promise<Result> {
    this.#orders.length = 0;
    this.#end();
    return Promise.resolve({ value: undefined, done: true });
  }

  throw(error: Error): Promise<Result> {
    this.#orders.length = 0;
    this.#end();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#leave();
    for (const reader of this.#readers.splice(0)) reader({ value: undefined, done: true });
  }
}
