import type { Charge, CountedUsage } from './charge.ts';

/** Runs one call and settles its charge by what became of it. Throws: what the call throws. */
export async function meteredCall<T extends { readonly usage: CountedUsage }>(
  charge: Charge,
  abortSignal: AbortSignal,
  call: () => Promise<T>,
): Promise<T> {
  requireInTime(charge, abortSignal);
  try {
    const answer = await call();
    charge.answered(answer.usage);
    return answer;
  } catch (thrown) {
    charge.broke({ thrown, aborted: isLeft(abortSignal), receivedTokens: null });
    throw thrown;
  }
}

/** A call whose time was over while its charge was reserved is not made. Throws: why it was over. */
function requireInTime(charge: Charge, abortSignal: AbortSignal): void {
  if (!abortSignal.aborted) return;
  charge.unused(isLeft(abortSignal) ? 'aborted' : 'failed');
  throw abortSignal.reason;
}

/** Whether it was the caller who ended a call, and not its time. */
function isLeft({ aborted, reason }: AbortSignal): boolean {
  return aborted && !(reason instanceof Error && reason.name === 'TimeoutError');
}

/** Part of an answer, as far as it counts. */
interface CountedPart {
  readonly text?: string;
  readonly toolCall?: { readonly name: string; readonly arguments: string };
  readonly usage?: CountedUsage;
}

/**
 * Tells the parts of one call as they come, and settles its charge when they end, however they end.
 * Throws: what the parts throw.
 */
export async function* meteredParts<T extends CountedPart>(
  parts: AsyncIterable<T>,
  { charge, abortSignal, countTokens }: PartsMetering,
): AsyncGenerator<T, void, undefined> {
  requireInTime(charge, abortSignal);
  let received: string | null = null;
  const broke = (thrown: unknown): void => {
    const receivedTokens = received === null ? null : countTokens(received);
    charge.broke({ thrown, aborted: isLeft(abortSignal), receivedTokens });
  };
  let isOver = false;
  try {
    for await (const part of parts) {
      if (part.text !== undefined) received = (received ?? '') + part.text;
      if (part.toolCall !== undefined)
        received = `${received ?? ''} ${part.toolCall.name} ${part.toolCall.arguments}`;
      if (part.usage !== undefined) {
        isOver = true;
        charge.answered(part.usage);
      }
      yield part;
    }
  } catch (thrown) {
    isOver = true;
    broke(thrown);
    throw thrown;
  } finally {
    // Whoever reads has left, or the answer ended without its end.
    if (!isOver) broke(null);
  }
}

/** What a call that is told as it comes is settled by. */
export interface PartsMetering {
  readonly charge: Charge;
  /** Fires where the caller leaves, and where the time is over. */
  readonly abortSignal: AbortSignal;
  readonly countTokens: (text: string) => number;
}
