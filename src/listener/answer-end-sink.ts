import type { ServerResponse } from 'node:http';
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
