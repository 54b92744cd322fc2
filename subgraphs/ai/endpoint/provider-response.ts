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

/** As functions that fetch have to be typed. */
export function asResponse(response: ProviderResponse): Response {
  return response as unknown as Response;
}
