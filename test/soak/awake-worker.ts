import { setPriority } from 'node:os';
import { announce } from '../bench/gateways/announce.ts';

/** Short enough to hear that the parent is gone. */
const SPIN_MS = 20;
const LEAST_PRIORITY = 19;

// Takes what nobody else wants of a core, so that it never sleeps: to wake the core of a virtual machine takes longer than to answer a
// request, and whoever calls more seldom would pay it more often.
function spin(): void {
  const untilMs = performance.now() + SPIN_MS;
  while (performance.now() < untilMs);
  setImmediate(spin);
}

setPriority(LEAST_PRIORITY);
announce({ ready: true });
spin();
