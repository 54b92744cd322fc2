import { join } from 'node:path';
import { GatewayError } from '../errors.ts';
import { type AuditFile, type OpenAuditFile, openAuditFile } from './audit-file-store.ts';
import { intentLine } from './audit-line.ts';
import { AuditQueue } from './audit-queue.ts';
import { DiskWaiters } from './disk-waiters.ts';
import type { AuditEvent, AuditIntent, AuditSink } from './event.ts';
import { EventQueue } from './event-queue.ts';

export interface FileAuditSinkLimits {
  /** Events that may wait for the disk: some seconds of a busy gateway. */
  readonly queueEventsMax: number;
  readonly queueBytesMax: number;
  /** Events that gather before they are encoded: the groups of a busy gateway, and about a millisecond of it. */
  readonly encodeEventsMax: number;
  /** Bytes of one write. */
  readonly batchBytesMax: number;
  /** How long events gather before they are written together. */
  readonly flushMs: number;
  /** How long intents gather that came while a group was written: a group costs as much for one as for many. */
  readonly gatherMs: number;
  /** First wait after a failure; each further one doubles it. */
  readonly retryMs: number;
  readonly retryMsMax: number;
  /** A write that takes longer counts as a failing disk. */
  readonly stallMs: number;
  /** At most one fault is told in this time. */
  readonly faultIntervalMs: number;
  readonly closeTimeoutMs: number;
}

export interface FileAuditSinkOptions {
  readonly directory: string;
  /** Units: milliseconds since the epoch. */
  readonly clock: () => number;
  /** Told when the disk fails or events are dropped. Must not throw. */
  readonly onFault: (error: GatewayError) => void;
  readonly openFile?: OpenAuditFile;
  readonly limits?: Partial<FileAuditSinkLimits>;
}

const DEFAULT_LIMITS: FileAuditSinkLimits = {
  queueEventsMax: 10_000,
  queueBytesMax: 67_108_864,
  encodeEventsMax: 512,
  batchBytesMax: 1_048_576,
  flushMs: 100,
  gatherMs: 4,
  retryMs: 100,
  retryMsMax: 5_000,
  stallMs: 5_000,
  faultIntervalMs: 10_000,
  closeTimeoutMs: 5_000,
};
const DAY_MS = 86_400_000;

/** The file of one day that lines go to now. */
interface DayFile {
  readonly day: number;
  readonly file: AuditFile;
}

/**
 * Appends events to `audit-<UTC date>.ndjson`, written and synchronized in groups.
 * A failing disk is retried with the queue kept; what no longer fits is counted and told, never lost in silence.
 * Invariant: order is kept, and a line is forgotten only when it is on disk under its path; after a failure a line
 * may be there twice, and a fragment of one may precede it.
 */
export class FileAuditSink implements AuditSink {
  readonly #options: FileAuditSinkOptions;
  readonly #limits: FileAuditSinkLimits;
  readonly #queue: AuditQueue;
  readonly #events: EventQueue;
  readonly #waiters: DiskWaiters;
  #file: DayFile | null;
  #timer: NodeJS.Timeout | null = null;
  /** Whether those who wait are written for soon, and whoever comes joins them. */
  #gathering = false;
  #draining: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  #failures = 0;
  #full = false;
  #dropped = 0;
  #busySinceMs: number | null = null;
  #faultToldAtMs = Number.NEGATIVE_INFINITY;

  private constructor(options: FileAuditSinkOptions, first: DayFile) {
    this.#options = options;
    this.#file = first;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    const { queueEventsMax: linesMax, queueBytesMax: bytesMax, encodeEventsMax: gatherMax } = this.#limits;
    this.#queue = new AuditQueue({ linesMax, bytesMax }, first.file.nextSeq);
    const onLost = (cause: unknown): void => this.#lose(cause);
    this.#events = new EventQueue(this.#queue, { linesMax, bytesMax, gatherMax, onLost });
    this.#waiters = new DiskWaiters(this.#limits.stallMs);
  }

  /**
   * Creates directory and file, so that a gateway that cannot write its audit does not start.
   * Throws: AUDIT_UNAVAILABLE.
   */
  static async open(options: FileAuditSinkOptions): Promise<FileAuditSink> {
    try {
      return new FileAuditSink(options, await openDay(options, Math.floor(options.clock() / DAY_MS)));
    } catch (cause) {
      throw new GatewayError('AUDIT_UNAVAILABLE', { cause });
    }
  }

  /** Events that were lost since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Lines that wait for the disk. */
  get waiting(): number {
    return this.#events.length;
  }

  record(event: AuditEvent): void {
    const fault = this.#enqueue((day) => this.#events.take(day, event));
    if (fault === null) this.#schedule(this.#limits.flushMs);
    else this.#lose(fault);
  }

  #lose(cause: unknown): void {
    this.#dropped += 1;
    this.#tell(cause);
  }

  /** Intents that come while a group is being written share the next one, so that many mutations wait for one disk. */
  async intend(intent: AuditIntent): Promise<void> {
    const fault = this.#enqueue((day) => this.#events.push(day, () => intentLine(intent)));
    if (fault !== null) {
      this.#tell(fault);
      throw new GatewayError('AUDIT_UNAVAILABLE', { cause: fault });
    }
    const onDisk = this.#waiters.wait(this.#queue.taken);
    if (!this.#gathering) void this.#drain();
    await onDisk.catch((cause: unknown) => {
      throw new GatewayError('AUDIT_UNAVAILABLE', { cause });
    });
  }

  healthy(): boolean {
    const stalled =
      this.#busySinceMs !== null && this.#options.clock() - this.#busySinceMs > this.#limits.stallMs;
    return this.#closing === null && this.#failures === 0 && !this.#full && !stalled;
  }

  /** Throws: AUDIT_UNAVAILABLE where not all could be written in time; `dropped` then counts the rest. */
  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  /** Null, or why the event could not be taken. */
  #enqueue(take: (day: number) => boolean): unknown {
    if (this.#closing !== null) return new Error('the audit is closed');
    try {
      if (take(this.#today())) return null;
    } catch (cause) {
      return cause;
    }
    this.#full = true;
    return new Error('the audit queue is full');
  }

  #today(): number {
    return Math.floor(this.#options.clock() / DAY_MS);
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== null || this.#draining !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#drain();
    }, delayMs);
    // A broken disk must not keep a process alive that has nothing else to do.
    if (this.#failures > 0) this.#timer.unref();
  }

  /** Writes what waits now; later events gather for the next group. Never rejects. */
  #drain(): Promise<void> {
    // What it was for is done now, and it must not hold up those who wait for the next group.
    if (this.#timer !== null) clearTimeout(this.#timer);
    [this.#timer, this.#gathering] = [null, false];
    this.#draining ??= this.#writeWaiting().finally(() => {
      this.#draining = null;
      this.#busySinceMs = null;
      if (this.waiting === 0 || this.#closing !== null) return;
      this.#gathering = this.#waiters.waiting;
      this.#schedule(this.#gathering ? this.#limits.gatherMs : this.#delayMs());
    });
    return this.#draining;
  }

  #delayMs(): number {
    const { flushMs, retryMs, retryMsMax } = this.#limits;
    return this.#failures === 0 ? flushMs : Math.min(retryMs * 2 ** (this.#failures - 1), retryMsMax);
  }

  async #writeWaiting(): Promise<void> {
    this.#events.encode();
    let left = this.#queue.length;
    try {
      while (left > 0) {
        const { day } = this.#queue;
        if (day === null) break;
        this.#busySinceMs = this.#options.clock();
        left -= await this.#writeOf(day);
        this.#waiters.written(this.#queue.gone);
        this.#failures = 0;
        this.#full = false;
      }
    } catch (cause) {
      this.#failures += 1;
      // What waits stays in the queue; who waits is told that it is not on disk.
      this.#waiters.failed(new Error('the disk does not take it', { cause }));
      this.#tell(cause);
    }
  }

  /** Writes the oldest lines; resolves to how many lines are now on disk, when that is all of them. */
  async #writeOf(day: number): Promise<number> {
    const { file } = await this.#fileFor(day);
    const bytes = this.#queue.batch(this.#limits.batchBytesMax, file);
    let written = 0;
    let failure: unknown = null;
    try {
      while (written < bytes.length) {
        const taken = await file.append(bytes.subarray(written));
        if (taken === 0) throw new Error('the disk took no bytes');
        written += taken;
      }
    } catch (error) {
      failure = error;
    }
    try {
      await file.sync();
      if (!(await file.inPlace())) throw new Error('the audit file was moved or removed');
      const lines = this.#queue.written(written);
      if (failure !== null) throw failure;
      return lines;
    } catch (error) {
      await this.#abandon(file);
      throw error;
    }
  }

  async #fileFor(day: number): Promise<DayFile> {
    if (this.#file?.day === day && !this.#file.file.full()) return this.#file;
    if (this.#file !== null) await this.#abandon(this.#file.file);
    this.#file = await openDay(this.#options, day);
    return this.#file;
  }

  /** All lines counted as written are on disk already, so a close that fails loses nothing but is told. */
  async #abandon(file: AuditFile): Promise<void> {
    this.#file = null;
    await file.close().catch((cause: unknown) => this.#tell(cause));
  }

  async #finish(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const expired = Promise.withResolvers<void>();
    const timer = setTimeout(expired.resolve, this.#limits.closeTimeoutMs);
    await Promise.race([this.#flush(), expired.promise]);
    clearTimeout(timer);
    if (this.waiting === 0) return;
    this.#dropped += this.waiting;
    throw new GatewayError('AUDIT_UNAVAILABLE', {
      details: [{ message: `${this.#dropped} audit events dropped` }],
    });
  }

  async #flush(): Promise<void> {
    await this.#draining;
    await this.#drain();
    if (this.#file !== null) await this.#abandon(this.#file.file);
  }

  #tell(cause: unknown): void {
    const nowMs = this.#options.clock();
    // A clock that was set back must not silence faults until it has caught up.
    if (Math.abs(nowMs - this.#faultToldAtMs) < this.#limits.faultIntervalMs) return;
    this.#faultToldAtMs = nowMs;
    const details = [{ message: `${this.#dropped} audit events dropped, ${this.waiting} waiting` }];
    this.#options.onFault(new GatewayError('AUDIT_UNAVAILABLE', { cause, details }));
  }
}

async function openDay(
  { directory, openFile = openAuditFile }: FileAuditSinkOptions,
  day: number,
): Promise<DayFile> {
  const date = new Date(day * DAY_MS).toISOString().slice(0, 'YYYY-MM-DD'.length);
  return { day, file: await openFile(join(directory, `audit-${date}.ndjson`)) };
}
