import { type Amount, type ModelPrice, NOTHING, priceOf, type TokenCounts } from './price-table.ts';
import { judgeProviderRun } from './provider-run.ts';
import type { Settlement, UsageFinish } from './usage-record.ts';

/** What a provider says a call took, or what was counted for want of that. */
export interface CountedUsage {
  /** All of the input, what came from or went to a cache included. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens?: number;
  readonly cacheWriteTokens?: number;
  readonly reasoningTokens?: number;
  readonly estimated: boolean;
}

/** How a call broke off. */
export interface BrokenCall {
  readonly thrown: unknown;
  /** Whether it was its caller who left. */
  readonly aborted: boolean;
  /** Tokens of the output that had come; null where none had. */
  readonly receivedTokens: number | null;
}

/** What one call has reserved. Invariant: settled once, by whichever of these is called first. */
export interface Charge {
  /** Of its usage record; null where there is none. */
  readonly id: string | null;
  /** By what the provider says. */
  answered(usage: CountedUsage): void;
  /**
   * By what was received; in full where nothing was and the provider may have run; as nothing where it provably never ran.
   */
  broke(call: BrokenCall): void;
  /** As nothing: the provider was not asked at all. Default: since the caller left. */
  unused(finish?: UsageFinish): void;
}

/** Of a call that runs while nothing can be counted, by configuration. */
export const UNMETERED: Charge = Object.freeze({
  id: null,
  answered: () => undefined,
  broke: () => undefined,
  unused: () => undefined,
});

/** What a charge is settled with. */
export interface ChargedCall {
  /** Of its usage record. */
  readonly id: string;
  readonly price: ModelPrice;
  /** Estimate of the input, and the most that the output can have. */
  readonly tokens: { readonly input: number; readonly output: number };
}

const NO_TOKENS: TokenCounts = Object.freeze({
  input: 0,
  cacheRead: 0,
  cacheWrite: 0,
  output: 0,
  reasoning: 0,
});

/** A charge that stands in a store. */
export class StoredCharge implements Charge {
  readonly #call: ChargedCall;
  readonly #reserved: Amount;
  readonly #settle: (settlement: Settlement) => void;
  #isSettled = false;

  constructor(call: ChargedCall, reserved: Amount, settle: (settlement: Settlement) => void) {
    this.#call = call;
    this.#reserved = reserved;
    this.#settle = settle;
  }

  get id(): string {
    return this.#call.id;
  }

  answered(usage: CountedUsage): void {
    const counts = countsOf(usage);
    const source = usage.estimated ? 'estimated' : 'provider';
    this.#once({ settled: priceOf(counts, this.#call.price), counts, source, finish: 'answered' });
  }

  broke({ thrown, aborted, receivedTokens }: BrokenCall): void {
    const finish = aborted ? 'aborted' : 'failed';
    const run = receivedTokens === null ? judgeProviderRun(thrown) : 'received';
    if (run === 'never') {
      this.#once({ settled: NOTHING, counts: NO_TOKENS, source: 'refunded', finish });
      return;
    }
    const { tokens, price } = this.#call;
    const output = run === 'unknown' ? tokens.output : Math.min(receivedTokens ?? 0, tokens.output);
    const counts = { ...NO_TOKENS, input: tokens.input, output };
    const settled = run === 'unknown' ? this.#reserved : priceOf(counts, price);
    this.#once({ settled, counts, source: 'estimated', finish });
  }

  unused(finish: UsageFinish = 'aborted'): void {
    this.#once({ settled: NOTHING, counts: NO_TOKENS, source: 'refunded', finish });
  }

  #once(settlement: Settlement): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#settle(settlement);
  }
}

/** Tokens by their price, of what a provider says. */
export function countsOf(usage: CountedUsage): TokenCounts {
  const { inputTokens, outputTokens, cacheReadTokens = 0, cacheWriteTokens = 0, reasoningTokens = 0 } = usage;
  // A provider that says more of its cache than of the input as a whole is held to the whole.
  const cacheRead = Math.min(cacheReadTokens, inputTokens);
  const cacheWrite = Math.min(cacheWriteTokens, inputTokens - cacheRead);
  return {
    ...{ input: inputTokens - cacheRead - cacheWrite, cacheRead, cacheWrite, output: outputTokens },
    reasoning: Math.min(reasoningTokens, outputTokens),
  };
}
