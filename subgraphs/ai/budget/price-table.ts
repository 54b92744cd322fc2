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

const PER_TOKENS = 1_000_000n;

/** What tokens cost; a fraction of a micro-USD counts as a whole one, once for the call. */
export function priceOf(counts: TokenCounts, price: ModelPrice): Amount {
  const { input, cacheRead, cacheWrite, output } = counts;
  const parts =
    of(input, price.input) +
    of(cacheRead, price.cacheRead) +
    of(cacheWrite, price.cacheWrite) +
    of(output, price.output);
  return { tokens: input + cacheRead + cacheWrite + output, microUsd: rounded(parts) };
}

/** What a call can cost at most: as if all of its input were of the dearest kind, and all of the output came. */
export function priceAtMost(
  tokens: { readonly input: number; readonly output: number },
  price: ModelPrice,
): Amount {
  const dearest = Math.max(price.input, price.cacheRead, price.cacheWrite);
  const parts = of(tokens.input, dearest) + of(tokens.output, price.output);
  return { tokens: tokens.input + tokens.output, microUsd: rounded(parts) };
}

/** Beyond what doubles hold exactly: a billion tokens at a thousand dollars a million. */
function of(tokens: number, price: number): bigint {
  return BigInt(tokens) * BigInt(price);
}

function rounded(parts: bigint): number {
  return Number((parts + PER_TOKENS - 1n) / PER_TOKENS);
}
