import type { Money } from './data.ts';

const BASE_MINOR = 390;
const PER_STARTED_KILOGRAM_MINOR = 120;
const FREE_FROM_MINOR = 15_000;

/** What sending one unit costs: a base and a part per started kilogram, nothing for expensive goods. */
export function estimateShipping(weightGrams: number, price: Money): Money {
  const kilograms = Math.ceil(weightGrams / 1_000);
  const amountMinor =
    price.amountMinor >= FREE_FROM_MINOR ? 0 : BASE_MINOR + kilograms * PER_STARTED_KILOGRAM_MINOR;
  return { amountMinor, currency: price.currency };
}
