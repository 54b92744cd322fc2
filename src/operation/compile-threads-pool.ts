import { Piscina } from 'piscina';
import type {
  CompileGround,
  CompileOrder,
  CompileTask,
  CompileTaskResult,
  CompileWorkerData,
} from './compile-task.ts';

/** What tells threads that can stand in for each other. */
export interface ThreadBounds {
  readonly workers: number;
  /** Heap of one thread. */
  readonly memoryMb: number;
}

/** Threads that compile on one ground, and on no other while they are held. */
export interface CompileThreads {
  run(task: CompileTask, options: { readonly signal: AbortSignal }): Promise<CompileTaskResult>;
  /** Keeps them for who comes next; only for threads that have nothing to do. */
  spare(): void;
  end(): Promise<void>;
}

type Ground = Omit<CompileGround, 'serial'>;

/** Reason: the generation in place and the next one; there are no more at a time. */
const SPARES_MAX = 2;
/** Reason: supergraphs change in bursts; after one the memory is worth more than a fast start. */
const SPARE_MS = 60_000;

/** What has its code loaded and nothing to do; loading it takes longer than reading most supergraphs. */
const spares: PooledThreads[] = [];

/** Begins to start threads, so that their code is loaded by the time that a ground for them is there. */
export function prepareThreads(bounds: ThreadBounds): void {
  if (!spares.some((each) => each.fits(bounds))) new PooledThreads(bounds).spare();
}

/**
 * Resolves to threads that have read the ground: those that are to spare, or new ones.
 * Throws: what reading the ground throws.
 */
export async function threadsOn(ground: Ground, bounds: ThreadBounds): Promise<CompileThreads> {
  const index = spares.findIndex((each) => each.fits(bounds));
  const [spared] = index === -1 ? [] : spares.splice(index, 1);
  if (spared !== undefined && (await spared.take(ground))) return spared;
  const started = new PooledThreads(bounds);
  if (await started.take(ground)) return started;
  await started.end();
  throw new Error('Not every compile thread has read its ground.');
}

let serials = 0;

class PooledThreads implements CompileThreads {
  readonly #bounds: ThreadBounds;
  readonly #data: CompileWorkerData = { ground: null };
  #serial = 0;
  readonly #pool: Piscina<CompileOrder, CompileTaskResult>;
  #expiry: NodeJS.Timeout | undefined;

  constructor(bounds: ThreadBounds) {
    this.#bounds = bounds;
    this.#pool = new Piscina({
      filename: new URL(`./compile-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
        .href,
      minThreads: bounds.workers,
      maxThreads: bounds.workers,
      resourceLimits: { maxOldGenerationSizeMb: bounds.memoryMb },
      // Held by the pool as it is: a thread in place of a dead one starts with what stands there then.
      workerData: this.#data,
    });
    // A worker that dies idle is replaced by the pool; unheard, the event would end the process instead.
    this.#pool.on('error', () => {});
  }

  fits({ workers, memoryMb }: ThreadBounds): boolean {
    return this.#bounds.workers === workers && this.#bounds.memoryMb === memoryMb;
  }

  /** Whether all have read it; where not, they are at their end. */
  async take(given: Ground): Promise<boolean> {
    clearTimeout(this.#expiry);
    serials += 1;
    this.#serial = serials;
    const ground = { ...given, serial: serials };
    this.#data.ground = ground;
    try {
      const orders = Array.from({ length: this.#bounds.workers }, () => this.#pool.run({ ground }));
      const threads = (await Promise.all(orders)).map((each) => (each.kind === 'ready' ? each.threadId : 0));
      // One that is just being replaced leaves its part to another.
      if (new Set(threads).size === threads.length) return true;
    } catch (fault) {
      await this.end();
      throw fault;
    }
    await this.end();
    return false;
  }

  run(task: CompileTask, options: { readonly signal: AbortSignal }): Promise<CompileTaskResult> {
    return this.#pool.run({ serial: this.#serial, task }, options);
  }

  spare(): void {
    this.#data.ground = null;
    spares.push(this);
    this.#expiry = setTimeout(() => this.#expire(), SPARE_MS).unref();
    const oldest = spares.length > SPARES_MAX ? spares[0] : undefined;
    if (oldest !== undefined) oldest.#expire();
  }

  async end(): Promise<void> {
    await this.#pool.destroy();
  }

  #expire(): void {
    clearTimeout(this.#expiry);
    spares.splice(spares.indexOf(this), 1);
    void this.end();
  }
}
