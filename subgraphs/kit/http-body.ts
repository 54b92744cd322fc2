import type { IncomingMessage } from 'node:http';

/** Why a request body was refused, with the HTTP status that says so. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
  readonly status: 400 | 413 | 415;

  constructor(status: 400 | 413 | 415, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/**
 * Reads a JSON body of bounded size.
 * Throws: BodyError 413 as soon as the bound is passed, 415 for another type or an encoded body, 400 for malformed JSON.
 */
export async function readJsonBody(request: IncomingMessage, bodyBytesMax: number): Promise<unknown> {
  if (!isJson(request.headers['content-type']) || request.headers['content-encoding'] !== undefined) {
    throw new BodyError(415, 'Send application/json without a content encoding.');
  }
  if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Not destroyed on an early return: the refusal still has to go out on the same socket.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw tooLarge();
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks, bytes).toString('utf8'));
  } catch (cause) {
    throw new BodyError(400, 'The body is not JSON.', { cause });
  }
}

function isJson(contentType: string | undefined): boolean {
  return /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(contentType ?? '');
}

function tooLarge(): BodyError {
  return new BodyError(413, 'The body is larger than the limit.');
}
