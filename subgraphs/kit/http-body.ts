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
  return parseJsonBody(await readBytes(request, bodyBytesMax));
}

/** Throws: BodyError 400. */
export function parseJsonBody(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new BodyError(400, 'The body is not JSON.', { cause });
  }
}

function readBytes(request: IncomingMessage, bodyBytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (end: () => void): void => {
      request.off('data', take).off('end', done).off('error', reject).off('close', cut);
      end();
    };
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes <= bodyBytesMax) return;
      // Not destroyed: the refusal still has to go out on the same socket.
      request.pause();
      settle(() => reject(tooLarge()));
    };
    const done = (): void => settle(() => resolve(Buffer.concat(chunks, bytes)));
    const cut = (): void => settle(() => reject(new BodyError(400, 'The body is cut off.')));
    if (request.destroyed) cut();
    request.on('data', take).on('end', done).on('error', reject).on('close', cut);
  });
}

/** Whether a body of this type is JSON in UTF-8. */
export function isJson(contentType: string | undefined): boolean {
  return /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(contentType ?? '');
}

function tooLarge(): BodyError {
  return new BodyError(413, 'The body is larger than the limit.');
}
