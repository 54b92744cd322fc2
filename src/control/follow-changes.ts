import type { Entitlements } from './entitlements.ts';
import type { ControlSnapshot } from './snapshot.ts';
import type { SnapshotStore } from './snapshot-store.ts';

export interface ChangeFollowerOptions {
  readonly snapshots: SnapshotStore;
  readonly entitlements: Pick<Entitlements, 'replace' | 'confirm' | 'version'>;
  /** Units: milliseconds since the epoch. */
  now(): number;
  readonly pollMs: number;
  /** Told of each snapshot that took effect. */
  onReplaced(snapshot: ControlSnapshot): void;
  /** Told when the control plane stops answering, and once more when it answers again with null. */
  onFault(fault: unknown): void;
}

/**
 * Keeps entitlements up with the control plane: asks at intervals whether anything changed, and at once when told.
 * Invariant: one question at a time; a word that comes during one is answered by another right after it.
 */
export class ChangeFollower {
  readonly #options: ChangeFollowerOptions;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #again = false;
  #failing = false;
  #closed = false;

  constructor(options: ChangeFollowerOptions) {
    this.#options = options;
  }

  /** Reads the first snapshot and follows from then on. Throws: what the database throws. */
  async start(): Promise<void> {
    await this.#ask();
    this.#schedule();
  }

  /** Something may have changed. */
  hear(): void {
    if (this.#closed) return;
    if (this.#running === null) void this.#run();
    else this.#again = true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.hear();
      this.#schedule();
    }, this.#options.pollMs);
    this.#timer.unref();
  }

  async #run(): Promise<void> {
    const running = (async () => {
      do {
        this.#again = false;
        await this.#ask().then(
          () => this.#note(null),
          (fault: unknown) => this.#note(fault),
        );
      } while (this.#again && !this.#closed);
    })();
    this.#running = running;
    await running;
    this.#running = null;
  }

  async #ask(): Promise<void> {
    const { snapshots, entitlements, now, onReplaced } = this.#options;
    // What is heard is as old as the question, not as the answer.
    const askedAtMs = now();
    const version = await snapshots.version();
    if (version === entitlements.version) {
      entitlements.confirm(askedAtMs);
      return;
    }
    const snapshot = await snapshots.load();
    entitlements.replace(snapshot, askedAtMs);
    onReplaced(snapshot);
  }

  #note(fault: unknown): void {
    const failing = fault !== null;
    if (failing !== this.#failing) this.#options.onFault(fault);
    this.#failing = failing;
  }
}
