import type { Dispatcher } from 'undici';
import { type BodyPiece, type BodyReader, ProviderResponse } from './provider-response.ts';

/** What is held of a body that is read slower than it comes, until the connection waits. Units: bytes. */
const HELD_BYTES_MAX = 65_536;
/** What would send a key to another host. Source: Fetch, "redirect status". */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Names of no encoding; `none` is what servers say that keep proxies from encoding a stream. */
const UNENCODED: ReadonlySet<string> = new Set(['identity', 'none', '']);
const END: BodyPiece = Object.freeze({ done: true });

type Fields = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

/**
 * One request to a provider and its answer, read as it comes. What goes wrong has the forms that `fetch` gives it, by which causes are found:
 * `fetch failed` before the answer, `terminated` in its midst, and the reason of the signal.
 */
export class ProviderCall implements Dispatcher.DispatchHandler, BodyReader {
  readonly #signal: AbortSignal | null;
  readonly #begun = Promise.withResolvers<ProviderResponse>();
  readonly #held: Buffer[] = [];
  #heldBytes = 0;
  #controller: Dispatcher.DispatchController | null = null;
  #waiting: PromiseWithResolvers<BodyPiece> | null = null;
  #isBegun = false;
  #isOver = false;
  #fault: { readonly thrown: unknown } | null = null;
  readonly #onAbort = (): void => this.#fail(this.#signal?.reason);

  constructor(signal: AbortSignal | null) {
    this.#signal = signal;
    if (signal?.aborted === true) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The answer, once its head is there. Throws: why there is none. */
  get response(): Promise<ProviderResponse> {
    return this.#begun.promise;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('The call ended before it was sent.'));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, fields: Fields, text?: string): void {
    if (status < 200) return;
    const headers = new Map<string, string>();
    for (const [name, value] of Object.entries(fields))
      headers.set(name, Array.isArray(value) ? value.join(', ') : (value ?? ''));
    const coding = headers.get('content-encoding') ?? 'identity';
    if (REDIRECTS.has(status)) this.#fail(failed(new Error('a redirect is not followed')));
    // None was asked for.
    else if (!UNENCODED.has(coding.toLowerCase())) this.#fail(failed(new Error('the answer is encoded')));
    else {
      this.#isBegun = true;
      const get = (name: string): string | null => headers.get(name.toLowerCase()) ?? null;
      const told = { get, [Symbol.iterator]: () => headers[Symbol.iterator]() };
      this.#begun.resolve(new ProviderResponse({ status, statusText: text ?? '', headers: told }, this));
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#waiting !== null) {
      this.#waiting.resolve({ done: false, value: chunk });
      this.#waiting = null;
      return;
    }
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > HELD_BYTES_MAX) controller.pause();
  }

  onResponseEnd(): void {
    if (!this.#end()) return;
    this.#waiting?.resolve(END);
  }

  onResponseError(_: Dispatcher.DispatchController | null, cause: Error): void {
    this.#fail(this.#isBegun ? new TypeError('terminated', { cause }) : failed(cause));
  }

  async read(): Promise<BodyPiece> {
    if (this.#fault !== null) throw this.#fault.thrown;
    const value = this.#held.shift();
    if (value !== undefined) {
      this.#heldBytes -= value.length;
      if (this.#heldBytes === 0) this.#controller?.resume();
      return { done: false, value };
    }
    if (this.#isOver) return END;
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  async cancel(): Promise<void> {
    if (this.#end()) this.#controller?.abort(new Error('The answer is not read to its end.'));
    this.#held.length = 0;
    this.#waiting?.resolve(END);
  }

  #fail(thrown: unknown): void {
    if (!this.#end()) return;
    this.#fault = { thrown };
    this.#held.length = 0;
    this.#begun.reject(thrown);
    this.#waiting?.reject(thrown);
    this.#controller?.abort(new Error('The call was ended.'));
  }

  /** Whether it was not over before. */
  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    return true;
  }
}

function failed(cause: Error): TypeError {
  return new TypeError('fetch failed', { cause });
}
