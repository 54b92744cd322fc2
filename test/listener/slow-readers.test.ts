import { connect } from 'node:http2';
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

  it('is cut off in the end, over HTTP/2', async () => {
    const tls = { cert: CERTIFICATE, key: CERTIFICATE_KEY };
    const started = await start({ tls, http2: { streamsMax: 20, resetsMax: 30 } });
    const client = connect(started.origin, { ca: CERTIFICATE, servername: 'localhost' });
    client.on('error', () => undefined);
    onTestFinished(() => client.destroy());
    const stream = client.request({
      ':method': 'POST',
      ':path': '/graphql',
      'content-type': 'application/json',
    });
    stream.on('error', () => undefined).end(BODY);
    await gone(started);
  });
});

it('an answer that is read comes whole', async () => {
  const { url } = await start({ answerTimeoutMs: 5_000, compression: false });
  const answer = await post(url, BODY);
  expect((await answer.text()).length).toBeGreaterThan(32_000_000);
});
