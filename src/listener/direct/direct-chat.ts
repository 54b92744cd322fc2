import { GatewayError } from '../../errors.ts';
import type { PlainResponse } from '../encode-response.ts';
import type { OpenAiWire } from '../openai-exchange.ts';
import type { DirectConnection, DirectRequest } from './direct-connection-server.ts';

/** The name of the field that asks for a stream, as it stands and with letters that are escaped. */
const STREAM_NAME = '"stream"';
const ESCAPED_LETTERS = ['\\u006', '\\u007'] as const;

/**
 * Whether the body of a chat may ask for a stream, which needs Node's server. Invariant: what says no has no such field, in whatever
 * spelling; what says yes may speak of streams only.
 */
export function mayStream(body: Buffer): boolean {
  return body.includes(STREAM_NAME) || ESCAPED_LETTERS.some((letters) => body.includes(letters));
}

/** The wire of a chat that came past Node's server. */
export function chatWire(
  { head, body }: DirectRequest,
  { remoteAddress, signal }: DirectConnection,
  send: (answer: PlainResponse, requestId: string) => void,
): OpenAiWire {
  let isWritten = false;
  return {
    ...{ method: 'POST', remoteAddress, signal, rest: '', streaming: null },
    headers: head.headers,
    credentials: head.credentials,
    body: async () => {
      if (head.refusal !== null) throw head.refusal;
      if (body === null) throw new GatewayError('REQUEST_ABORTED');
      return body;
    },
    write(answer, requestId) {
      if (isWritten) return;
      send(answer, requestId);
      isWritten = true;
    },
  };
}
