import { GatewayError } from '../errors.ts';

/** When a stream ends by itself. */
export interface StreamBounds {
  /** Fires when nobody reads any more. */
  readonly gone: AbortSignal;
  /** Fires when what the stream runs on is to be replaced. */
  readonly retired: AbortSignal;
  /** How long the stream may live in any case, and what ends it then. */
  readonly limit: { readonly afterMs: number; readonly error: () => GatewayError };
}

/** One signal for all that ends a stream; its reason is the error to tell. */
export interface StreamEnd {
  readonly signal: AbortSignal;
  /** Ends it now; the reason is what it is told. */
  end(reason: unknown): void;
  /** Gives timers and listeners back, and ends what still hangs on the signal. */
  stop(): void;
}

/** Watches the bounds of one stream. Its time ends it on time, also where no event ever comes. */
export function watchEnd({ gone, retired, limit }: StreamBounds): StreamEnd {
  const controller = new AbortController();
  const onGone = (): void => controller.abort(gone.reason);
  const onRetired = (): void => controller.abort(new GatewayError('SUBSCRIPTION_ENDED'));
  gone.addEventListener('abort', onGone);
  retired.addEventListener('abort', onRetired);
  if (gone.aborted) onGone();
  if (retired.aborted) onRetired();
  const timer = setTimeout(() => controller.abort(limit.error()), limit.afterMs);
  return {
    signal: controller.signal,
    end: (reason) => controller.abort(reason),
    stop() {
      clearTimeout(timer);
      gone.removeEventListener('abort', onGone);
      retired.removeEventListener('abort', onRetired);
      controller.abort(new GatewayError('REQUEST_ABORTED'));
    },
  };
}

/** Waits for a step of a stream, but not beyond its end: rejects with the signal's reason. */
export function unlessEnded<T>(step: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onEnd = (): void => reject(signal.reason);
    // Removed after each step: a race against one long promise would keep a reaction for every event.
    const settle = (): void => signal.removeEventListener('abort', onEnd);
    if (signal.aborted) onEnd();
    signal.addEventListener('abort', onEnd, { once: true });
    step.then(resolve, reject).finally(settle);
  });
}
