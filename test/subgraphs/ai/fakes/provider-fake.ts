import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request that a fake provider got. */
export interface ProviderRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

/** What a fake provider answers: JSON, a stream, anything as it stands, or nothing at all. */
export type ProviderAnswer =
  | {
      readonly status: number;
      readonly body: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      /** Frames of server-sent events, and what follows the last; what is held is cut by `cut`. */
      readonly frames: readonly string[];
      readonly after: 'end' | 'cut' | 'held' | 'silence';
    }
  | {
      /** A body as it stands, of the given type; cut where it is not whole. */
      readonly raw: string;
      readonly contentType: string;
      readonly whole: boolean;
    }
  | 'silence';

/** A local HTTP server that speaks a provider's wire format as far as `answer` does. */
export interface ProviderFake {
  readonly url: string;
  readonly requests: ProviderRequest[];
  /** Paths of streams that have ended, by either side. */
  readonly left: string[];
  answer: (request: ProviderRequest) => ProviderAnswer;
  /** Cuts the sockets of the streams that are held. */
  cut(): void;
  close(): Promise<void>;
}

export async function startProviderFake(): Promise<ProviderFake> {
  const requests: ProviderRequest[] = [];
  const left: string[] = [];
  const held: ServerResponse[] = [];
  const server = createServer((incoming, response) => void serve(incoming, response));
  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
    const request = { path: incoming.url ?? '', headers: incoming.headers, body };
    requests.push(request);
    const answer = fake.answer(request);
    if (answer === 'silence') return;
    if ('frames' in answer) {
      response.once('close', () => left.push(request.path));
      writeFrames(response, answer, held);
    } else if ('raw' in answer) writeRaw(response, answer);
    else {
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      response.end(JSON.stringify(answer.body));
    }
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: ProviderFake = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    left,
    answer: () => ({ status: 500, body: {} }),
    cut: () => {
      for (const response of held.splice(0)) response.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return fake;
}

function writeFrames(
  response: ServerResponse,
  { frames, after }: Extract<ProviderAnswer, { readonly frames: unknown }>,
  held: ServerResponse[],
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  for (const frame of frames) response.write(frame);
  if (after === 'end') response.end();
  else if (after === 'held') held.push(response);
  // What was written must be on its way before the socket goes.
  else if (after === 'cut') setTimeout(() => response.destroy(), 20);
}

function writeRaw(
  response: ServerResponse,
  { raw, contentType, whole }: Extract<ProviderAnswer, { readonly raw: unknown }>,
): void {
  const length = Buffer.byteLength(raw) * (whole ? 1 : 2);
  response.writeHead(200, { 'content-type': contentType, 'content-length': String(length) });
  if (whole) response.end(raw);
  else response.write(raw, () => response.destroy());
}
