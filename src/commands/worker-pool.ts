import { GatewayError } from '../errors.ts';
import type { Log } from '../telemetry/log-sink.ts';
import type { ToPrimary, ToWorker, WorkerPart } from './worker-part.ts';

/** A worker as node:cluster makes them. */
export interface WorkerHandle {
  readonly process: { readonly pid?: number | undefined; kill(signal: NodeJS.Signals): boolean };
  send(message: ToWorker, done: () => void): boolean;
  on(event: 'message', take: (message: ToPrimary) => void): unknown;
  once(event: 'exit', take: (code: number | null, signal: string | null) => void): unknown;
}

export interface WorkerPoolOptions {
  readonly count: number;
  /** Units: milliseconds. */
  readonly restartMs: number;
  readonly restartMsMax: number;
  readonly failedStartsMax: number;
  readonly startTimeoutMs: number;
  /** How long workers may take to end before they are killed. */
  readonly closeTimeoutMs: number;
  readonly log: Log;
  fork(): WorkerHandle;
  /** What a worker is told; `url` is where the first one serves, null before. */
  partOf(number: number, url: string | null): WorkerPart;
  /** Units: milliseconds, monotonic. */
  nowMs(): number;
}

/** One life of a worker. */
interface Life {
  readonly worker: WorkerHandle;
  /** Resolves to its endpoint; null where it ended before it had one. */
  readonly ready: Promise<string | null>;
  readonly ended: Promise<Ending>;
}

interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
  /** How long it served; null where it never did. */
  readonly servedMs: number | null;
}

/**
 * Keeps workers running: one that ends is started again, after a pause that grows with each failure.
 * Gives up only where starts fail and nobody serves: as long as one does, the others are tried.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #lives = new Map<number, Life>();
  readonly #serving = new Set<number>();
  readonly #stop = new AbortController();
  readonly #gaveUp = Promise.withResolvers<never>();
  readonly #keeping: Promise<void>[] = [];
  #failedStarts = 0;
  #url: string | null = null;
  #exitedBadly = false;
  #closing: Promise<void> | null = null;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#gaveUp.promise.catch(() => undefined);
  }

  /** Rejects when workers cannot be started any more. */
  get gaveUp(): Promise<never> {
    return this.#gaveUp.promise;
  }

  /**
   * Starts the first worker, then the others: what stops one from starting is told once. Resolves to the endpoint.
   * Throws: WORKERS_FAILED where any of them ends first.
   */
  async start(): Promise<string> {
    const numbers = Array.from({ length: this.#options.count }, (_, index) => index + 1);
    const [first = 1, ...others] = numbers;
    const url = await this.#startOne(first);
    await Promise.all(others.map((number) => this.#startOne(number)));
    for (const number of numbers) this.#keeping.push(this.#keep(number));
    return url;
  }

  /** Tells all to end and waits until they have; who takes too long is killed. Throws: WORKERS_FAILED where one ended badly. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #startOne(number: number): Promise<string> {
    if (this.#stop.signal.aborted) throw failed('told to stop before all workers served');
    const life = this.#launch(number);
    const url = await life.ready;
    if (url !== null) return url;
    throw failed(`worker ${number} ended before it served (${told(await life.ended)})`);
  }

  async #keep(number: number): Promise<void> {
    const { restartMsMax, failedStartsMax, log } = this.#options;
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      const life = this.#lives.get(number) ?? this.#launch(number);
      const ending = await life.ended;
      if (this.#stop.signal.aborted) return;
      failures = (ending.servedMs ?? 0) >= restartMsMax ? 1 : failures + 1;
      const restartInMs = this.#pauseMs(failures);
      log.error('worker ended', {
        ...{ worker: number, pid: life.worker.process.pid ?? null, restartInMs },
        ...{ code: ending.code, signal: ending.signal, served: ending.servedMs !== null },
      });
      if (this.#failedStarts >= failedStartsMax && this.#serving.size === 0) {
        this.#gaveUp.reject(failed(`no worker serves, and ${this.#failedStarts} starts in a row failed`));
        return;
      }
      await pause(restartInMs, this.#stop.signal);
    }
  }

  #pauseMs(failures: number): number {
    const { restartMs, restartMsMax } = this.#options;
    return Math.min(restartMs * 2 ** Math.min(failures - 1, 30), restartMsMax);
  }

  #launch(number: number): Life {
    const { fork, partOf, startTimeoutMs, nowMs, log } = this.#options;
    const worker = fork();
    const ready = Promise.withResolvers<string | null>();
    const ended = Promise.withResolvers<Ending>();
    const late = setTimeout(() => worker.process.kill('SIGKILL'), startTimeoutMs);
    let servesSinceMs: number | null = null;
    worker.on('message', (message) => {
      if (message.kind === 'hello')
        return void tell(worker, { kind: 'start', part: partOf(number, this.#url) });
      clearTimeout(late);
      servesSinceMs = nowMs();
      this.#serving.add(number);
      this.#failedStarts = 0;
      log.info('worker serves', { worker: number, pid: worker.process.pid ?? null });
      this.#url ??= message.url;
      ready.resolve(message.url);
    });
    worker.once('exit', (code, signal) => {
      clearTimeout(late);
      this.#lives.delete(number);
      this.#serving.delete(number);
      if (servesSinceMs === null) this.#failedStarts += 1;
      this.#exitedBadly ||= code !== 0;
      ready.resolve(null);
      ended.resolve({ code, signal, servedMs: servesSinceMs === null ? null : nowMs() - servesSinceMs });
    });
    const life = { worker, ready: ready.promise, ended: ended.promise };
    this.#lives.set(number, life);
    return life;
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    this.#exitedBadly = false;
    const living = [...this.#lives.values()];
    for (const { worker } of living) tell(worker, { kind: 'stop' });
    const kill = (): void => {
      for (const { worker } of this.#lives.values()) worker.process.kill('SIGKILL');
    };
    const late = setTimeout(kill, this.#options.closeTimeoutMs);
    await Promise.all(living.map(({ ended }) => ended));
    clearTimeout(late);
    await Promise.all(this.#keeping);
    if (this.#exitedBadly) throw failed('a worker did not end as it should');
  }
}

/** Whether it arrives is told by what the worker does, and by its end. */
function tell(worker: WorkerHandle, message: ToWorker): void {
  worker.send(message, () => undefined);
}

/** Waits, but not beyond the signal. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', go);
      resolve();
    };
    const timer = setTimeout(go, ms);
    signal.addEventListener('abort', go);
  });
}

function told({ code, signal }: Ending): string {
  return signal === null ? `status ${code}` : signal;
}

function failed(message: string): GatewayError {
  return new GatewayError('WORKERS_FAILED', { details: [{ message }] });
}
