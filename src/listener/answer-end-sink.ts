import type { ServerResponse } from 'node:http';
import { Deadlines } from '../deadlines.ts';
import { GatewayError } from '../errors.ts';
import type { GatewayResponse } from './request.ts';

/** Ends a stream when the listener closes: it is told why, and nobody waits for it. */
export async function* endingWith(
  drain: AbortSignal,
  gone: AbortController,
  events: AsyncIterable<GatewayResponse>,
): AsyncGenerator<GatewayResponse, void, undefined> {
  const onDrain = (): void => gone.abort(new GatewayError('SHUTTING_DOWN'));
  drain.addEventListener('abort', onDrain);
  if (drain.aborted) onDrain();
  try {
    yield* events;
  } finally {
    drain.removeEventListener('abort', onDrain);
  }
}

/** Fires when the connection ends before the whole answer was written. */
export function goneController(outgoing: ServerResponse): AbortController {
  const controller = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) controller.abort(new GatewayError('REQUEST_ABORTED'));
  });
  return controller;
}

/** One timer for all answers on their way. */
const deadlines = new Deadlines(() => performance.now());

/**
 * Gives the client so long to take the rest of an answer that was written to its end, then cuts it off.
 * Source: slow reading; what is not taken is held in memory, and its connection never becomes idle.
 */
export function takenWithin(outgoing: ServerResponse, timeoutMs: number): void {
  // Over HTTP/1.1 almost every answer is with the system at once; over HTTP/2 the client's window decides.
  const isTaken = outgoing.req.httpVersionMajor === 1 && outgoing.writableLength === 0;
  if (isTaken || outgoing.destroyed) return;
  const waiting = { untilMs: performance.now() + timeoutMs, expire: () => void outgoing.destroy() };
  deadlines.watch(waiting);
  outgoing.once('close', () => deadlines.forget(waiting));
}
