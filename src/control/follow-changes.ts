import type { Entitlements } from './entitlements.ts';
import { OneAtATime } from './one-at-a-time.ts';
import type { ControlSnapshot, RestrictionSnapshot } from './snapshot.ts';
import type { SnapshotStore } from './snapshot-store.ts';

export interface ChangeFollowerOptions {
  readonly snapshots: SnapshotStore;
  readonly entitlements: Pick<Entitlements, 'replace' | 'confirm' | 'version'>;
  /** Units: milliseconds since the epoch. */
  now(): number;
  readonly pollMs: number;
  /** Told of each snapshot that took effect. */
  onReplaced(snapshot: ControlSnapshot): void;
  /** Told of what is restricted from now on. */
  onRestricted(restricted: RestrictionSnapshot): void;
  /** Told when the control plane stops answering, and once more when it answers again with null. */
  onFault(fault: unknown): void;
}

/** What is read of the control plane. */
type Part = 'restrictions' | 'entitlements';

/**
 * Keeps up with the control plane: asks at intervals whether anything changed, and at once when told.
 * Invariant: what is restricted waits for nothing else. It is small, is read first, and again while entitlements are being read,
 * which take the longer the more there are. Where another database may have taken the place of the one before, as after a failover or a
 * restore, everything is read anew, whatever its version: that database may have lost the last changes, and given their numbers to others.
 */
export class ChangeFollower {
  readonly #options: ChangeFollowerOptions;
  readonly #restrictions = new OneAtATime(() => this.#try('restrictions', () => this.#restrict()));
  readonly #entitlements = new OneAtATime(() => this.#try('entitlements', () => this.#entitle()));
  readonly #failing = new Set<Part>();
  #timer: NodeJS.Timeout | null = null;
  /** The version of what is restricted; null before it was read. */
  #version: number | null = null;
  /** The version of entitlements that is being read, or a later one. */
  #awaited: number | null = null;
  /** Whether what was read of what is restricted, and of entitlements, may be of another database. */
  #isDoubted = false;
  #isLost = false;

  constructor(options: ChangeFollowerOptions) {
    this.#options = options;
  }

  /** Reads the first snapshots and follows from then on. Throws: what the database throws. */
  async start(): Promise<void> {
    await this.#entitle();
    await this.#restrict();
    const { pollMs } = this.#options;
    this.#timer = setInterval(() => this.hear(), pollMs).unref();
  }

  /** Something may have changed; `isAnew` where the connection on which changes are told had broken. */
  hear(isAnew = false): void {
    this.#isDoubted ||= isAnew;
    this.#restrictions.ask();
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#restrictions.close();
    await this.#entitlements.close();
  }

  async #restrict(): Promise<void> {
    const { snapshots, entitlements, now, onRestricted } = this.#options;
    // What is heard is as old as the question, not as the answer.
    const askedAtMs = now();
    const isDoubted = this.#isDoubted;
    this.#isDoubted = false;
    const { versions, restricted } = await snapshots
      .changesSince(isDoubted ? null : this.#version)
      .catch((fault: unknown) => {
        this.#isDoubted ||= isDoubted;
        throw fault;
      });
    if (restricted !== null) {
      this.#version = restricted.version;
      onRestricted(restricted);
    }
    const { version } = entitlements;
    // Versions only grow; one that is lower may also be of a reading that was overtaken, which is then read once more.
    if (isDoubted || (version !== null && versions.entitlements < version)) {
      this.#isLost = true;
      this.#awaited = versions.entitlements;
      this.#entitlements.ask();
    } else if (versions.entitlements === version) entitlements.confirm(askedAtMs);
    else if (versions.entitlements !== this.#awaited) {
      this.#awaited = versions.entitlements;
      this.#entitlements.ask();
    }
  }

  async #entitle(): Promise<void> {
    const { snapshots, entitlements, now, onReplaced } = this.#options;
    const askedAtMs = now();
    const isLost = this.#isLost;
    this.#isLost = false;
    const snapshot = await snapshots.load().catch((fault: unknown) => {
      this.#isLost ||= isLost;
      throw fault;
    });
    entitlements.replace(snapshot, askedAtMs, isLost);
    onReplaced(snapshot);
  }

  async #try(part: Part, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      const hadFailed = this.#failing.delete(part);
      if (hadFailed && this.#failing.size === 0) this.#options.onFault(null);
    } catch (fault) {
      this.#awaited = null;
      if (this.#failing.size === 0) this.#options.onFault(fault);
      this.#failing.add(part);
    }
  }
}
