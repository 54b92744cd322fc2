import type {
  EventSink,
  ShipBounds,
  ShipPosition,
  Shippable,
  ShippedEvent,
  ShippedLog,
} from './shipped-event.ts';

export interface AuditShipperLimits extends ShipBounds {
  /** Time between two looks for what was written. */
  readonly pollMs: number;
  /** First wait after a failure; each further one doubles it. */
  readonly retryMs: number;
  readonly retryMsMax: number;
}

export interface AuditShipperOptions {
  readonly name: string;
  readonly sink: EventSink;
  /** The logs there are by now. */
  logs(): Promise<readonly ShippedLog[]>;
  /** Units: milliseconds since the epoch. */
  now(): number;
  /** From 0 up to 1. */
  random(): number;
  /** Told of the first failure of a row and of each after that, with how long it lasts. Must not throw. */
  onFailure(fault: unknown, failures: number): void;
  /** Told once what had failed works again. Must not throw. */
  onRecovered(): void;
  readonly limits?: Partial<AuditShipperLimits>;
}

/** How far a sink is behind. */
export interface ShipLag {
  /** Bytes of the log that it does not have yet. */
  readonly bytes: number;
  /** Age of the oldest event that it does not have yet; 0 where it has all. */
  readonly seconds: number;
}

const DEFAULT_LIMITS: AuditShipperLimits = {
  eventsMax: 500,
  bytesMax: 1_048_576,
  pollMs: 1000,
  retryMs: 1000,
  retryMsMax: 60_000,
};

/**
 * Takes events from the files of the log to one sink, in order, at least once.
 * Invariant: a position is kept only after the sink has taken all before it; memory holds one batch per sink at most, as the log has it,
 * for the files are the buffer.
 */
export class AuditShipper {
  readonly name: string;
  readonly #options: AuditShipperOptions;
  readonly #limits: AuditShipperLimits;
  readonly #stop = new AbortController();
  readonly #positions = new Map<string, ShipPosition | null>();
  readonly #waiting = new Map<string, { readonly bytes: number; readonly sinceMs: number }>();
  #running: Promise<void> | null = null;
  #failures = 0;
  #failuresTotal = 0;
  #shipped = 0;
  #wake: () => void = () => undefined;

  constructor(options: AuditShipperOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.name = options.name;
  }

  /** Events that the sink took since the start, and attempts in vain. */
  get counts(): { readonly shipped: number; readonly failures: number } {
    return { shipped: this.#shipped, failures: this.#failuresTotal };
  }

  get lag(): ShipLag {
    const nowMs = this.#options.now();
    let bytes = 0;
    let seconds = 0;
    for (const waiting of this.#waiting.values()) {
      bytes += waiting.bytes;
      seconds = Math.max(seconds, (nowMs - waiting.sinceMs) / 1000);
    }
    return { bytes, seconds };
  }

  /** Ships from now on, until closed. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ships what is there now. Throws: why a sink did not take it. */
  async ship(): Promise<void> {
    const faults: unknown[] = [];
    for (const log of await this.#options.logs()) {
      try {
        let hasMore = true;
        while (hasMore && !this.#stop.signal.aborted) hasMore = await this.#shipFrom(log);
      } catch (fault) {
        // What ails one log must not hold up the others.
        faults.push(fault);
      }
    }
    if (faults.length > 0) throw faults[0];
  }

  /** Breaks off what is under way, which the next start ships again, and resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#running;
    await this.#options.sink.close();
  }

  async #run(): Promise<void> {
    const { onFailure, onRecovered } = this.#options;
    while (!this.#stop.signal.aborted) {
      try {
        await this.ship();
        if (this.#failures > 0) onRecovered();
        this.#failures = 0;
      } catch (fault) {
        if (this.#stop.signal.aborted) return;
        this.#failures += 1;
        this.#failuresTotal += 1;
        onFailure(fault, this.#failures);
      }
      await this.#wait(this.#waitMs());
    }
  }

  /** True where more may be waiting. */
  async #shipFrom(log: ShippedLog): Promise<boolean> {
    const from = await this.#positionOf(log);
    const batch = await log.read(from, this.#limits);
    const [first] = batch.events;
    if (first === undefined) {
      this.#positions.set(log.name, batch.end);
      this.#waiting.delete(log.name);
      return false;
    }
    const sinceMs = Date.parse(first.shipped.event.time);
    this.#waiting.set(log.name, { bytes: bytesOf(batch, from), sinceMs });
    await this.#deliver(log, batch);
    this.#waiting.set(log.name, { bytes: batch.behindBytes, sinceMs: this.#options.now() });
    return true;
  }

  async #deliver(log: ShippedLog, { events, end }: Shippable): Promise<void> {
    for (let at = 0; at < events.length; ) {
      const part = this.#writtenOut(events, at);
      await this.#options.sink.deliver(part, this.#stop.signal);
      at += part.length;
      const reached = at >= events.length ? end : events[at - 1]?.end;
      if (reached != null) {
        await log.checkpoint.save(reached);
        this.#positions.set(log.name, reached);
      }
      this.#shipped += part.length;
    }
  }

  /** As many events as may be handed over at once, and at least one. */
  #writtenOut(events: Shippable['events'], from: number): readonly ShippedEvent[] {
    const { eventsMax, bytesMax } = this.#limits;
    const part: ShippedEvent[] = [];
    let chars = 0;
    for (let at = from; at < events.length && part.length < eventsMax; at += 1) {
      const shipped = events[at]?.shipped;
      if (shipped === undefined) break;
      const { run, seq, event, line } = shipped;
      chars += line.length;
      if (part.length > 0 && chars > bytesMax) break;
      part.push({ run, seq, event, line });
    }
    return part;
  }

  async #positionOf({ name, checkpoint }: ShippedLog): Promise<ShipPosition | null> {
    const known = this.#positions.get(name);
    if (known !== undefined) return known;
    const kept = await checkpoint.load();
    this.#positions.set(name, kept);
    return kept;
  }

  #waitMs(): number {
    const { pollMs, retryMs, retryMsMax } = this.#limits;
    if (this.#failures === 0) return pollMs;
    const fullMs = Math.min(retryMs * 2 ** Math.min(this.#failures - 1, 30), retryMsMax);
    // Gateways that lost a sink together must not come back together.
    return fullMs * (0.5 + this.#options.random() / 2);
  }

  #wait(ms: number): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function bytesOf({ end, behindBytes }: Shippable, from: ShipPosition | null): number {
  const start = from !== null && from.file === end?.file ? from.bytes : 0;
  return behindBytes + (end?.bytes ?? 0) - start;
}
