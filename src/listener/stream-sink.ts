import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { takenWithin } from './answer-end-sink.ts';
import { SECURITY_HEADERS } from './encode-response.ts';
import type { GatewayResponse } from './request.ts';
import type { StreamFormat } from './stream-format.ts';

export interface StreamWriting {
  readonly format: StreamFormat;
  readonly requestId: string;
  /** Fields already decided by CORS. */
  readonly headers: OutgoingHttpHeaders;
  readonly heartbeatMs: number;
  /** Time the client has to take one event; a slower one is cut off, so that nothing piles up for it. */
  readonly eventTimeoutMs: number;
  /** Time the client has to take what is left when the stream ends. */
  readonly endTimeoutMs: number;
}

/** Writes the answers to a subscription, or the parts of an answer, as they come; the next is asked for when the one before has been taken. */
export async function writeStream(
  outgoing: ServerResponse,
  events: AsyncIterable<GatewayResponse>,
  writing: StreamWriting,
): Promise<void> {
  const { format } = writing;
  if (!outgoing.destroyed) outgoing.writeHead(200, headerFields(writing));
  outgoing.write(format.start);
  const beat = setInterval(() => {
    if (outgoing.writableLength === 0 && format.heartbeat !== '') outgoing.write(format.heartbeat);
  }, writing.heartbeatMs);
  try {
    for await (const { body } of events) {
      if (!outgoing.write(format.event(body))) await taken(outgoing, writing.eventTimeoutMs);
      if (outgoing.destroyed) break;
    }
    outgoing.end(format.end);
    takenWithin(outgoing, writing.endTimeoutMs);
  } catch (fault) {
    // The header says 200 already: only a broken answer tells that this was not its end.
    outgoing.destroy();
    throw fault;
  } finally {
    clearInterval(beat);
  }
}

function headerFields({ format, requestId, headers }: StreamWriting): OutgoingHttpHeaders {
  const vary = [headers['vary'] ?? [], 'accept, accept-encoding'].flat().join(', ');
  return {
    ...headers,
    ...SECURITY_HEADERS,
    'content-type': format.contentType,
    'x-request-id': requestId,
    // Proxies that collect an answer before they pass it on would hold events back.
    'x-accel-buffering': 'no',
    connection: 'close',
    vary,
  };
}

/** Resolves when the client has taken what was written, or is gone; one that takes too long is cut off. */
function taken(outgoing: ServerResponse, timeoutMs: number): Promise<void> {
  if (outgoing.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => outgoing.destroy(), timeoutMs);
    const done = (): void => {
      clearTimeout(timer);
      outgoing.off('drain', done).off('close', done);
      resolve();
    };
    outgoing.on('drain', done).on('close', done);
  });
}
