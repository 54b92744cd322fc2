import { AsyncLocalStorage } from 'node:async_hooks';

/** Whether what runs has called a provider yet. */
export interface SentMark {
  isSent: boolean;
}

/**
 * A call that failed before anything was sent, as where the library cannot put a schema into a provider's terms. No provider is to blame
 * for it, and none ran.
 */
export class NotSentError extends Error {
  override readonly name = 'NotSentError';
  readonly code = 'NOT_SENT';
}

const marks = new AsyncLocalStorage<SentMark>();

/** Told by whatever calls providers, each time that it does. */
export function markSent(): void {
  const mark = marks.getStore();
  if (mark !== undefined) mark.isSent = true;
}

/** Runs what marks, if it calls a provider. */
export function marking<T>(mark: SentMark, run: () => T): T {
  return marks.run(mark, run);
}

/** What a failure is, by whether a provider was called. */
export function failureOfSent({ isSent }: SentMark, thrown: unknown): unknown {
  return isSent ? thrown : new NotSentError('nothing was sent', { cause: thrown });
}
