/** One line that somebody waits for. */
interface Waiter {
  /** Number of the line among all that were taken. */
  readonly line: number;
  readonly timer: NodeJS.Timeout;
  resolve(): void;
  reject(fault: Error): void;
}

/** Those who wait until their lines are on disk, oldest first; nobody waits longer than a bound. */
export class DiskWaiters {
  readonly #waiters = new Set<Waiter>();
  readonly #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get waiting(): boolean {
    return this.#waiters.size > 0;
  }

  /** Resolves once `written` is told of the line. Throws: the fault that is told, or that it took too long. */
  wait(line: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new Error('the disk took too long'));
      }, this.#timeoutMs);
      const waiter: Waiter = { line, timer, resolve, reject };
      this.#waiters.add(waiter);
    });
  }

  /** Tells that all lines up to a number are on disk. */
  written(line: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.line > line) return;
      this.#leave(waiter);
      waiter.resolve();
    }
  }

  failed(fault: Error): void {
    for (const waiter of this.#waiters) {
      this.#leave(waiter);
      waiter.reject(fault);
    }
  }

  #leave(waiter: Waiter): void {
    clearTimeout(waiter.timer);
    this.#waiters.delete(waiter);
  }
}
