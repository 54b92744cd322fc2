import { type ClientHttp2Stream, connect, constants } from 'node:http2';
import { connect as connectTo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ListenerOptions } from '../../src/listener/listener.ts';
import type { GatewayResponse } from '../../src/listener/request.ts';
import { CERTIFICATE, CERTIFICATE_KEY } from '../config/tls-fixture.ts';
import { open } from './raw-http.ts';
import { post, type Started, startListener } from './start-listener.ts';

const BODY = JSON.stringify({ query: '{ any }' });
/** More than all that systems keep on the way for a client that does not read. */
const LARGE: GatewayResponse = { status: 200, headers: {}, body: { data: { text: 'x'.repeat(32_000_000) } } };

const start = (options: Partial<ListenerOptions> = {}): Promise<Started> =>
  startListener({ answerTimeoutMs: 300, ...options }, { handle: async () => LARGE });

const TLS = { cert: CERTIFICATE, key: CERTIFICATE_KEY };
const HTTP2 = { streamsMax: 20, resetsMax: 30 };

/** Asks over a connection of its own; nothing is read unless the test does. */
function ask({ origin }: Started, headers: Readonly<Record<string, string>>): ClientHttp2Stream {
  const client = connect(origin, { ca: CERTIFICATE, servername: 'localhost' });
  client.on('error', () => undefined);
  onTestFinished(() => client.destroy());
  const stream = client.request({ ':path': '/graphql', ...headers });
  stream.on('error', () => undefined);
  return stream;
}

const gone = (started: Started): Promise<void> =>
  vi.waitFor(() => expect(started.seen[0]?.signal.reason).toMatchObject({ code: 'REQUEST_ABORTED' }), {
    timeout: 8_000,
  });

describe('an answer that its client does not take', () => {
  it('is cut off in the end, over HTTP/1.1', async () => {
    const started = await start();
    const { socket } = open(started.port);
    onTestFinished(() => void socket.destroy());
    socket.pause();
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
    );
    await gone(started);
  });

  it('is cut off in the end, also where the client has said that it sends no more', async () => {
    const started = await start({ shutdownTimeoutMs: 100_000 });
    const socket = connectTo({ port: started.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
    );
    // Once the answer is under way.
    await new Promise((resolve) => socket.once('data', resolve));
    socket.pause();
    socket.end();
    await gone(started);
    await started.listener.close();
  });

  it('is cut off in the end, over HTTP/2', async () => {
    const started = await start({ tls: TLS, http2: HTTP2 });
    ask(started, { ':method': 'POST', 'content-type': 'application/json' }).end(BODY);
    await gone(started);
  });

  it('is cut off in the end, also where it is a page of the sandbox', async () => {
    const started = await start({ tls: TLS, http2: HTTP2, sandbox: 'graphiql', compression: false });
    const page = ask(started, { accept: 'text/html' });
    let html = '';
    page.setEncoding('utf8').on('data', (text: string) => {
      html += text;
    });
    await new Promise((resolve) => page.once('end', resolve));
    const script = /src="([^"]+)"/u.exec(html)?.[1] ?? '';
    const file = ask(started, { ':path': new URL(script, started.url).pathname });
    const closed = new Promise((resolve) => file.once('close', () => resolve(file.rstCode)));
    await expect(closed).resolves.toBe(constants.NGHTTP2_INTERNAL_ERROR);
  });
});

it('an answer that is read comes whole', async () => {
  const { url } = await start({ answerTimeoutMs: 5_000, compression: false });
  const answer = await post(url, BODY);
  expect((await answer.text()).length).toBeGreaterThan(32_000_000);
});
