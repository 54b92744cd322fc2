import { env } from 'node:process';

/** Every landing tries the same cases, so that a failure tells about the code and not about luck. */
const SEED = 20_261_128;

/** Where properties begin: fixed, a number that was given, or anew in each run. */
export function propertySeed(asked: string | undefined = env['PROPERTY_SEED']): number | null {
  if (asked === undefined || asked === '') return SEED;
  if (asked === 'random') return null;
  const seed = Number(asked);
  if (!Number.isSafeInteger(seed)) throw new TypeError(`PROPERTY_SEED is no whole number: ${asked}`);
  return seed;
}

/** How many cases a property tries: `count`, or PROPERTY_FACTOR times as many in a search for faults. */
export function runs(count: number, asked: string | undefined = env['PROPERTY_FACTOR']): number {
  if (asked === undefined || asked === '') return count;
  const factor = Number(asked);
  if (!Number.isSafeInteger(factor) || factor < 1)
    throw new TypeError(`PROPERTY_FACTOR is no count: ${asked}`);
  return count * factor;
}
