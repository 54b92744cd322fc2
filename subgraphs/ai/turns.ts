import { aiError } from './ai-error.ts';

/** Calls of one request that wait for each other. */
export interface Turns {
  /** Throws: BAD_USER_INPUT beyond the bound, and what the call throws. */
  take<T>(call: () => Promise<T>): Promise<T>;
}

/** Makes turns for one request: so many calls at once, and so many in all. */
export function createTurns({ atOnceMax, max }: { readonly atOnceMax: number; readonly max: number }): Turns {
  let taken = 0;
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    async take(call) {
      taken += 1;
      if (taken > max) throw aiError('BAD_USER_INPUT', `A request may have ${max} texts generated.`);
      if (running >= atOnceMax) await new Promise<void>((resolve) => waiting.push(resolve));
      else running += 1;
      try {
        return await call();
      } finally {
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}
