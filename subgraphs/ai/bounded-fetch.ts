import { asResponse, type BodyReader, ProviderResponse } from './endpoint/provider-response.ts';
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
    const reader: BodyReader = response.body.getReader();
    return asResponse(new ProviderResponse(response, bounded(reader, bodyBytesMax)));
  };
}

function bounded(reader: BodyReader, bodyBytesMax: number): BodyReader {
  let bytes = 0;
  return {
    async read() {
      const piece = await reader.read();
      bytes += piece.value?.byteLength ?? 0;
      if (bytes <= bodyBytesMax) return piece;
      await reader.cancel();
      throw new ResponseTooLargeError('The answer is too large.');
    },
    cancel: () => reader.cancel(),
  };
}
