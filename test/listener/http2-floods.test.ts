import { connect, type TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CERTIFICATE, CERTIFICATE_KEY } from '../config/tls-fixture.ts';
import { startListener } from './start-listener.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const [SETTINGS, PING] = [4, 6];
const AT_ONCE = 2_000;
/** Far more than any bound: a connection that outlives them has none. */
const ROUNDS_MAX = 2_000;
const ROUNDS = 500;

/** A frame for the connection itself. Source: RFC 9113, section 4.1. */
function frame(type: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(9 + bytes);
  buffer.writeUIntBE(bytes, 0, 3);
  buffer[3] = type;
  return buffer;
}

/** A connection whose client reads nothing, so that what is owed to it has nowhere to go. */
async function deafClient(): Promise<TLSSocket> {
  const tls = { cert: CERTIFICATE, key: CERTIFICATE_KEY };
  const { origin } = await startListener({ tls, http2: { streamsMax: 20, resetsMax: 30 } });
  const { port } = new URL(origin);
  const socket = connect({
    ...{ host: '127.0.0.1', port: Number(port), servername: 'localhost' },
    ...{ ca: CERTIFICATE, ALPNProtocols: ['h2'] },
  });
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0)]));
  return socket;
}

/** Sends until the server ends the connection; false where it never does. */
async function isEndedBy(flood: Buffer, socket: TLSSocket): Promise<boolean> {
  const closed = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)));
  // A socket that has ended refuses what is written before it tells that it is closed.
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const sent = new Promise<boolean>((resolve) => {
      socket.write(flood, (fault) => resolve(fault != null));
    });
    if (await Promise.race([closed, sent])) return round > 0;
  }
  return false;
}

describe('a connection over HTTP/2 that must answer more than its client reads', () => {
  it.each([
    ['pings', frame(PING, 8)],
    ['settings', frame(SETTINGS, 0)],
  ])('ends: %s', async (_, each) => {
    const flood = Buffer.concat(Array.from({ length: AT_ONCE }, () => each));
    expect(await isEndedBy(flood, await deafClient())).toBe(true);
  });

  it('goes on where the client reads', async () => {
    const socket = await deafClient();
    let bytes = 0;
    const wanted = Promise.withResolvers<void>();
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes >= ROUNDS * frame(PING, 8).length) wanted.resolve();
    });
    socket.once('close', () => wanted.reject(new Error('the connection was ended')));
    for (let round = 0; round < ROUNDS; round += 1) socket.write(frame(PING, 8));
    await wanted.promise;
    expect(socket.destroyed).toBe(false);
  });
});
