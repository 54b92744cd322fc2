import { beforeEach, describe, expect, it } from 'vitest';
import { type Order, seedListings, seedOrders } from '../../../subgraphs/orders/data.ts';
import { OrderFeed } from '../../../subgraphs/orders/order-feed.ts';

let feed: OrderFeed;
const order = seedOrders(seedListings()).find(({ tenantId }) => tenantId === 'acme') as Order;

beforeEach(() => {
  feed = new OrderFeed();
});

describe('the order feed', () => {
  it('keeps orders for a subscriber that reads later', async () => {
    const events = feed.subscribe('acme');
    feed.publish(order);
    expect(await events.next()).toEqual({ value: order, done: false });
  });

  it('cuts off a subscriber that falls behind, after what it kept', async () => {
    const events = feed.subscribe('acme');
    for (let count = 0; count < 100; count += 1) feed.publish(order);
    expect(feed.subscriberCount).toBe(1);
    feed.publish(order);
    expect(feed.subscriberCount).toBe(0);
    for (let count = 0; count < 100; count += 1) expect((await events.next()).done).toBe(false);
    await expect(events.next()).rejects.toMatchObject({ extensions: { code: 'SUBSCRIPTION_FELL_BEHIND' } });
    expect(await events.next()).toEqual({ value: undefined, done: true });
  });

  it('ends the reads that wait when the subscriber leaves', async () => {
    const events = feed.subscribe('acme');
    const waiting = events.next();
    await events.return?.();
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(feed.subscriberCount).toBe(0);
  });

  it('refuses more reads at once than the bound', async () => {
    const events = feed.subscribe('acme');
    const waiting = Array.from({ length: 100 }, () => events.next());
    await expect(events.next()).rejects.toThrow(RangeError);
    await events.return?.();
    expect(await Promise.all(waiting)).toHaveLength(100);
  });

  it('takes a thousand subscribers and refuses the next', () => {
    for (let count = 0; count < 1_000; count += 1) feed.subscribe('acme');
    expect(() => feed.subscribe('acme')).toThrow(
      expect.objectContaining({ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }),
    );
  });
});
