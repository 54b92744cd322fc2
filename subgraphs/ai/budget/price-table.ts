/** What one model costs. Units: micro-USD for a million tokens, whole numbers. */
export interface ModelPrice {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  /** Reasoning is output too. */
  readonly output: number;
}

/** Prices by model. A new price is a new version, which each usage record names. */
export interface PriceTable {
  readonly version: string;
  readonly models: ReadonlyMap<string, ModelPrice>;
}

/** Tokens of one call. Invariant: `cacheRead` and `cacheWrite` are no part of `input`; `reasoning` is a part of `output`. */
export interface TokenCounts {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
}

/** Tokens and their price. Units: micro-USD. */
export interface Amount {
  readonly tokens: number;
  readonly microUsd: number;
}

export const NOTHING: Amount = Object.freeze({ tokens: 0, microUsd: 0 });

/** No model's price; offline models cost nothing unless a table says otherwise. */
export const FREE: ModelPrice = Object.freeze({ input: 0, cacheRead: 0, cacheWrite: 0, output: 0 });

const PER_TOKENS = 1_000_000;

/** What tokens cost; a fraction of a micro-USD counts as a whole one, once for the call. */
export function priceOf(counts: TokenCounts, price: ModelPrice): Amount {
  const { input, cacheRead, cacheWrite, output } = counts;
  const microUsd = sumUp([
    [input, price.input],
    [cacheRead, price.cacheRead],
    [cacheWrite, price.cacheWrite],
    [output, price.output],
  ]);
  return { tokens: input + cacheRead + cacheWrite + output, microUsd };
}

/** What a call can cost at most: as if all of its input were of the dearest kind, and all of the output came. */
export function priceAtMost(
  tokens: { readonly input: number; readonly output: number },
  price: ModelPrice,
): Amount {
  const dearest = Math.max(price.input, price.cacheRead, price.cacheWrite);
  const microUsd = sumUp([
    [tokens.input, dearest],
    [tokens.output, price.output],
  ]);
  return { tokens: tokens.input + tokens.output, microUsd };
}

type Part = readonly [tokens: number, price: number];

/** What parts cost together, rounded up once. Units: micro-USD. */
function sumUp(parts: readonly Part[]): number {
  let sum = PER_TOKENS - 1;
  for (const [tokens, price] of parts) sum += tokens * price;
  // A billion tokens at a thousand dollars a million is beyond what doubles hold exactly.
  return sum <= Number.MAX_SAFE_INTEGER ? (sum - (sum % PER_TOKENS)) / PER_TOKENS : sumUpLarge(parts);
}

function sumUpLarge(parts: readonly Part[]): number {
  let sum = BigInt(PER_TOKENS - 1);
  for (const [tokens, price] of parts) sum += BigInt(tokens) * BigInt(price);
  return Number(sum / BigInt(PER_TOKENS));
}
