import type { Settled } from './limit-store.ts';
import type { Correction, SharedBuckets } from './shared-buckets.ts';

/** How corrections are delivered. */
export interface SettlementOptions {
  readonly shared: Pick<SharedBuckets, 'settle'>;
  /** How long corrections are gathered before they are sent. */
  readonly gatherMs: number;
  /** How long a batch is sent again before it is given up. */
  readonly retryForMs: number;
  /** Buckets with a correction that waits; of more, corrections are given up. */
  readonly waitingMax: number;
  /** Units: milliseconds of a clock that does not step back. */
  readonly now: () => number;
  readonly newBatchId: () => string;
  /** Told how many corrections were given up. */
  readonly onLost: (corrections: number) => void;
}

const BATCH_MAX = 256;
const PAUSE_MS_MAX = 1000;

interface Batch {
  readonly id: string;
  readonly corrections: readonly Correction[];
  readonly bornMs: number;
}

/**
 * Corrections of shared buckets on their way, those of one bucket added up.
 * Invariant: one batch is under way at a time, and is sent again under its own name until it is known to have been counted.
 */
export class SettlementQueue {
  readonly #options: SettlementOptions;
  readonly #waiting = new Map<string, Correction>();
  #batch: Batch | null = null;
  #timer: NodeJS.Timeout | null = null;
  #sending: Promise<void> = Promise.resolve();
  #isSending = false;
  #isClosed = false;
  #pauseMs = 0;

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /** Gives points back, or takes more where they are negative. */
  add({ key, slot, rate, window }: Settled, points: number): void {
    if (points === 0) return;
    const known = this.#waiting.get(key);
    if (known === undefined && this.#waiting.size >= this.#options.waitingMax) this.#options.onLost(1);
    else {
      const sum = points + (known?.points ?? 0);
      const correction = { key, slot, rate, points: sum };
      this.#waiting.set(key, window === undefined ? correction : { ...correction, window });
    }
    this.#arm(this.#options.gatherMs);
  }

  /** Sends what waits, once; with the first batch that cannot be delivered now, all that waits is given up. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#isClosed = true;
    await this.#sending;
    while ((this.#batch !== null || this.#waiting.size > 0) && (await this.#send()));
    if (this.#waiting.size > 0) this.#options.onLost(this.#waiting.size);
    this.#waiting.clear();
  }

  #arm(afterMs: number): void {
    // What comes while a batch is under way goes when that has arrived, or with it.
    if (this.#timer !== null || this.#isSending || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#isSending = true;
      this.#sending = this.#send().then(() => {
        this.#isSending = false;
        if (this.#batch !== null || this.#waiting.size > 0) this.#rearm();
      });
    }, afterMs);
    this.#timer.unref();
  }

  #rearm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#arm(Math.max(this.#pauseMs, this.#options.gatherMs));
  }

  /** False where a batch could not be delivered. */
  async #send(): Promise<boolean> {
    const { shared, now, retryForMs, onLost } = this.#options;
    this.#batch ??= this.#gather();
    const { id, corrections, bornMs } = this.#batch;
    try {
      if (corrections.length > 0) await shared.settle(corrections, id);
      this.#batch = null;
      this.#pauseMs = 0;
      return true;
    } catch {
      // Why is told by whoever waits for the shared buckets; here it only matters that the batch is sent again.
      this.#pauseMs = Math.min(PAUSE_MS_MAX, Math.max(this.#options.gatherMs, 2 * this.#pauseMs));
      if (!this.#isClosed && now() - bornMs < retryForMs) return false;
      this.#batch = null;
      onLost(corrections.length);
      return false;
    }
  }

  #gather(): Batch {
    const corrections: Correction[] = [];
    for (const [key, correction] of this.#waiting) {
      if (corrections.length === BATCH_MAX) break;
      this.#waiting.delete(key);
      if (correction.points !== 0) corrections.push(correction);
    }
    return { id: this.#options.newBatchId(), corrections, bornMs: this.#options.now() };
  }
}
