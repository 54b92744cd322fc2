import type { DeferredParts } from '../../operation/deferred-part.ts';
import type { ExecutionError, ExecutionInput, PartDone } from '../executor.ts';

/** The parts of an answer, and which of them may come later. */
export interface Deferring {
  readonly deferred: DeferredParts;
  readonly later: readonly boolean[];
}

/** What of an answer may come later; null where it comes whole. */
export function deferringOf({
  later = null,
  variant: { deferred },
}: Pick<ExecutionInput, 'later' | 'variant'>): Deferring | null {
  return later === null || deferred === undefined ? null : { later, deferred };
}

/** One answer that comes in parts: which fetches each waits for, what went wrong in them, and what is told in which order. */
export class PartSchedule {
  readonly #deferred: DeferredParts;
  readonly #isLater: readonly boolean[];
  readonly #ended: readonly PromiseWithResolvers<void>[];
  readonly #errors = new Map<number | null, ExecutionError[]>();

  constructor(deferred: DeferredParts, isLater: readonly boolean[], fetches: number) {
    this.#deferred = deferred;
    this.#isLater = isLater;
    this.#ended = Array.from({ length: fetches }, () => Promise.withResolvers<void>());
  }

  /** Notes that a fetch has ended, or never begins. */
  ended(fetch: number): void {
    this.#ended[fetch]?.resolve();
  }

  /** Notes what went wrong in a fetch, for the primary answer where that waits for it, else for each part that does. */
  failed(fetch: number, error: ExecutionError): void {
    const { primary, parts } = this.#deferred;
    const waiting = primary.waitsFor.includes(fetch)
      ? [null]
      : [...parts.keys()].filter((part) => parts[part]?.waitsFor.includes(fetch));
    for (const part of waiting) {
      const own = this.#errors.get(part) ?? [];
      own.push(error);
      this.#errors.set(part, own);
    }
  }

  /** Waits for the answer without what is deferred; gives its errors. Rejects where the whole does. */
  async primary(whole: Promise<unknown>): Promise<readonly ExecutionError[]> {
    await Promise.race([this.#complete(null), whole]);
    return this.#errorsOf(null);
  }

  /** Each deferred part once it and what it stands in are complete. Rejects where the whole does. */
  async *later(whole: Promise<unknown>): AsyncGenerator<PartDone, void, undefined> {
    const waiting = new Map<number, Promise<number>>();
    const offer = (within: number | null): void => {
      for (const part of this.#deferredIn(within))
        waiting.set(
          part,
          this.#complete(part).then(() => part),
        );
    };
    const failing = whole.then(() => new Promise<never>(() => undefined));
    // Each wait below tells a fault: no part that waits for what failed completes. This handler swallows none of them; it is for
    // a fault that comes when nobody waits, since the client takes its time over a part or has gone.
    failing.catch(() => undefined);
    offer(null);
    while (waiting.size > 0) {
      const part = await Promise.race([...waiting.values(), failing]);
      waiting.delete(part);
      offer(part);
      yield { part, errors: this.#errorsOf(part), hasNext: waiting.size > 0 };
    }
  }

  async #complete(part: number | null): Promise<void> {
    const { primary, parts } = this.#deferred;
    const { waitsFor } = (part === null ? undefined : parts[part]) ?? primary;
    await Promise.all(waitsFor.map((fetch) => this.#ended[fetch]?.promise));
    for (const inner of this.#inner(part)) await this.#complete(inner);
  }

  #errorsOf(part: number | null): readonly ExecutionError[] {
    return [...(this.#errors.get(part) ?? []), ...this.#inner(part).flatMap((each) => this.#errorsOf(each))];
  }

  /** The parts right below a place that come with it. */
  #inner(within: number | null): readonly number[] {
    return this.#below(within).filter((part) => this.#isLater[part] !== true);
  }

  /** The parts that come next after a place: deferred, with nothing deferred between. */
  #deferredIn(within: number | null): readonly number[] {
    return this.#below(within).flatMap((part) =>
      this.#isLater[part] === true ? [part] : this.#deferredIn(part),
    );
  }

  #below(within: number | null): readonly number[] {
    return this.#deferred.parts.flatMap(({ parent }, part) => (parent === within ? [part] : []));
  }
}
