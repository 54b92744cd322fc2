import { describe, expect, it, vi } from 'vitest';
import { GuardedLimitStore } from '../../src/metering/guarded-limit-store.ts';
import { type LimitStore, MemoryLimitStore } from '../../src/metering/limit-store.ts';
import { Outage } from '../../src/metering/outage.ts';
import { demand } from './limit-store-contract.ts';

describe('buckets guarded against the loss of Redis', () => {
  function guarded() {
    const state = { nowMs: 0, isDown: true, asked: 0, random: 0.5 };
    const distant = new MemoryLimitStore(10, () => 0);
    const shared: LimitStore = {
      take: async (demands) => {
        state.asked += 1;
        if (state.isDown) throw new Error('down');
        return distant.take(demands);
      },
      settle: (demands, points) => distant.settle(demands, points),
      close: () => distant.close(),
    };
    const alarm = vi.fn<(state: 'lost' | 'back', cause?: unknown) => void>();
    const local = new MemoryLimitStore(10, () => 0);
    const options = {
      localShare: 0.5,
      probeAfterMs: 1000,
      now: () => state.nowMs,
      random: () => state.random,
    };
    return {
      state,
      alarm,
      distant,
      store: new GuardedLimitStore({
        shared,
        local,
        localShare: 0.5,
        outage: new Outage({ alarm, ...options }),
      }),
    };
  }

  it('permit the local share, ask with one probe at a time, and tell of loss and return once', async () => {
    const { state, alarm, store } = guarded();
    const one = async () => (await store.take([demand('k', 1)])).permitted;
    const permitted = [];
    for (let turn = 0; turn < 6; turn += 1) permitted.push(await one());
    expect(permitted).toEqual([true, true, true, true, true, false]);
    expect(state.asked).toBe(1);
    state.nowMs = 1000;
    await Promise.all([one(), one(), one()]);
    expect(state.asked).toBe(2);
    state.isDown = false;
    state.nowMs = 1999;
    expect(await one()).toBe(false);
    state.nowMs = 2000;
    expect(await one()).toBe(true);
    expect(alarm.mock.calls.map(([name]) => name)).toEqual(['lost', 'back']);
  });

  it('do not give back to a shared bucket what was taken locally', async () => {
    const { state, distant, store } = guarded();
    const mine = demand('k', 4);
    await store.take([mine]);
    distant.take([demand('k', 10)]);
    state.isDown = false;
    state.nowMs = 1000;
    store.settle([mine], 4);
    expect(distant.take([demand('k', 1)]).permitted).toBe(false);
  });

  it('are asked for again at a time that is not the same in every gateway', async () => {
    const probes: number[] = [];
    for (const random of [0, 0.5, 0.999]) {
      const { state, store } = guarded();
      state.random = random;
      await store.take([demand('k', 1)]);
      for (; state.asked === 1; state.nowMs += 1) await store.take([demand('k', 1)]);
      probes.push(state.nowMs - 1);
    }
    expect(probes).toEqual([500, 1000, 1499]);
  });

  it('answer at once what they hold, and do not take that for the return of Redis', async () => {
    const { state, alarm, store } = guarded();
    await store.take([demand('k', 1)]);
    const held = { permitted: true, verdicts: [] };
    const leased: LimitStore = { take: () => held, settle: () => undefined, close: async () => undefined };
    const outage = new Outage({ probeAfterMs: 1, now: () => 0, random: () => 0, alarm });
    const options = { local: leased, localShare: 1, outage };
    expect(new GuardedLimitStore({ shared: leased, ...options }).take([])).toBe(held);
    expect(state.asked).toBe(1);
    expect(alarm).toHaveBeenCalledOnce();
  });
});
