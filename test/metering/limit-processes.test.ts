import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisKit, redisInstalled } from './redis-kit.ts';

const RATE = { points: 150, perMs: 1000, burst: 120 };
const HELD_MS = 300;
const DEADLINE_MS = 200;
const RUNS_MS = 1200;

interface Told {
  readonly kind: 'ready' | 'admitted' | 'ended';
  readonly atMs: number;
  readonly points: number;
}

describe.skipIf(!redisInstalled)(
  'four processes on one Redis (skipped where no redis-server is on the PATH)',
  () => {
    let kit: RedisKit;
    beforeAll(async () => {
      kit = await RedisKit.create();
    });
    afterAll(() => kit.remove());

    it('admit in no window more than is stated, though one of them is killed', async () => {
      const admitted: Told[] = [];
      const options = JSON.stringify({ rate: RATE, heldMs: HELD_MS, deadlineMs: DEADLINE_MS });
      const processes = Array.from({ length: 4 }, () => {
        const child = fork(join(import.meta.dirname, 'limit-process.ts'), [kit.path, options]);
        const ready = Promise.withResolvers<void>();
        child.on('message', (told: Told) => {
          if (told.kind === 'admitted') admitted.push(told);
          if (told.kind === 'ready') ready.resolve();
        });
        return { child, ready: ready.promise, gone: once(child, 'exit') };
      });
      await Promise.all(processes.map(({ ready }) => ready));
      await pause(RUNS_MS / 2);
      processes[0]?.child.kill('SIGKILL');
      await pause(RUNS_MS / 2);
      for (const { child } of processes.slice(1)) child.send('end');
      await Promise.all(processes.map(({ gone }) => gone));

      const inOrder = admitted.sort((one, other) => one.atMs - other.atMs);
      // A millisecond for clocks that count whole ones.
      const heldMs = HELD_MS + DEADLINE_MS + 1;
      for (const [start, { atMs: fromMs }] of inOrder.entries()) {
        let sum = 0;
        for (const { atMs, points } of inOrder.slice(start)) {
          sum += points;
          expect(sum).toBeLessThanOrEqual(RATE.burst + (RATE.points * (atMs - fromMs + heldMs)) / RATE.perMs);
        }
      }
      const total = admitted.reduce((sum, { points }) => sum + points, 0);
      expect(total).toBeGreaterThan(RATE.burst);
    });
  },
);
