/** A provider answered with more bytes than the bound. */
export class ResponseTooLargeError extends Error {
  override readonly name = 'ResponseTooLargeError';
}

/** Bytes that an answer may have: 64 embeddings of 3,072 numbers as JSON take under 5 MB. Units: bytes. */
export const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

/** A piece of a body, or its end. */
export type BodyPiece =
  | { readonly done: false; readonly value: Uint8Array }
  | { readonly done: true; readonly value?: undefined };

/** What the body of an answer is read from, a piece at a time. */
export interface BodyReader {
  read(): Promise<BodyPiece>;
  /** Ends what is read from; whoever has read it to its end changes nothing by it. */
  cancel(): Promise<void>;
}

/** What comes before the body of an answer. Invariant: names of fields are in lower case. */
export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Pick<Headers, 'get'> & Iterable<[string, string]>;
}

/**
 * An answer of a provider, with as much of the interface of `Response` as its readers use. A stream of the web and its reader would cost more
 * than all else that is done for a short answer.
 */
export class ProviderResponse implements ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: ResponseHead['headers'];
  readonly ok: boolean;
  readonly body: {
    getReader(): BodyReader & { releaseLock(): void };
    cancel(): Promise<void>;
  };

  constructor({ status, statusText, headers }: ResponseHead, reader: BodyReader) {
    this.status = status;
    this.statusText = statusText;
    this.headers = headers;
    this.ok = status >= 200 && status < 300;
    const read = (): ReturnType<BodyReader['read']> => reader.read();
    const cancel = (): Promise<void> => reader.cancel();
    this.body = { getReader: () => ({ read, cancel, releaseLock: () => undefined }), cancel };
  }

  async text(): Promise<string> {
    const reader = this.body.getReader();
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      text += decoder.decode(value, { stream: true });
    }
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }
}

const BYTE_ORDER_MARK = '\ufeff';

/** An answer that has come as a whole. */
export class WholeResponse extends ProviderResponse {
  readonly #text: string;

  constructor(head: ResponseHead, text: string) {
    super(head, readerOf(text));
    // As `fetch` decodes it.
    this.#text = text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text;
  }

  override async text(): Promise<string> {
    return this.#text;
  }
}

/** Reads a text once. */
function readerOf(text: string): BodyReader {
  let left = text;
  return {
    read: async () => {
      const value = new TextEncoder().encode(left);
      left = '';
      return value.length === 0 ? { done: true } : { done: false, value };
    },
    cancel: async () => undefined,
  };
}

/** A request whose answer is of no use before all of it has come. */
export interface WholeInit extends RequestInit {
  readonly isWhole: true;
}

/** As functions that fetch have to be typed. */
export function asResponse(response: ProviderResponse): Response {
  return response as unknown as Response;
}
