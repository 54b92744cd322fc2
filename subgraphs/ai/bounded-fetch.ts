import { markSent } from './routing/sent-mark.ts';

type Fetch = typeof globalThis.fetch;

/** A provider answered with more bytes than the bound. */
export class ResponseTooLargeError extends Error {
  override readonly name = 'ResponseTooLargeError';
}

/**
 * A fetch for providers: it follows no redirect, so that a key never reaches another host, and bounds the answer.
 * Throws: ResponseTooLargeError, while the body is read.
 */
export function boundFetch(fetch: Fetch, bodyBytesMax: number): Fetch {
  return async (input, init) => {
    markSent();
    const response = await fetch(input, { ...init, redirect: 'error' });
    if (response.body === null) return response;
    let bytes = 0;
    const bounded = response.body.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(chunk, controller) {
          bytes += chunk.byteLength;
          if (bytes > bodyBytesMax) controller.error(new ResponseTooLargeError('The answer is too large.'));
          else controller.enqueue(chunk);
        },
      }),
    );
    return new Response(bounded, {
      status: response.status,
      statusText: response.statusText,
      headers: response.headers,
    });
  };
}
