import {
  asResponse,
  type BodyReader,
  ProviderResponse,
  ResponseTooLargeError,
  WholeResponse,
} from './endpoint/provider-response.ts';
import { markSent } from './routing/sent-mark.ts';

type Fetch = typeof globalThis.fetch;

/**
 * A fetch for providers: it follows no redirect, so that a key never reaches another host, and bounds the answer.
 * Throws: ResponseTooLargeError, while the body is read.
 */
export function boundFetch(fetch: Fetch, bodyBytesMax: number): Fetch {
  return async (input, init) => {
    markSent();
    const response = await fetch(input, { ...init, redirect: 'error' });
    // What came as a whole was held to its bound while it did.
    if (response.body === null || (response as unknown) instanceof WholeResponse) return response;
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
