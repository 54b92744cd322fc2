import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Duplex, Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import {
  DirectConnection,
  type DirectLane,
  type DirectRequest,
} from '../../src/listener/direct/direct-connection-server.ts';
import { readDirectHead } from '../../src/listener/direct/direct-head.ts';
import { directStart } from '../../src/listener/direct/plain-head.ts';

const REQUEST = Buffer.from('POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}');
const OPTIONS = {
  ...{ path: '/graphql', headerBytesMax: 16_384, bodyBytesMax: 1_000_000, compression: false },
  defers: false,
};

/** A socket that a test writes to by `push`, and that takes what is written while `state.takes`. */
function socketOf(
  state: { readonly takes: boolean },
  { written, held }: { written: string[]; held: (() => void)[] },
) {
  return new Duplex({
    ...{ read: () => undefined, readableHighWaterMark: 1, allowHalfOpen: true },
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      if (state.takes) done();
      else held.push(done);
    },
  }) as unknown as Socket;
}

/** A connection whose client the test is, on a clock that the test moves; over a real socket where one is given. */
function connection(real: Socket | null = null) {
  const state = { nowMs: 0, draining: false, takes: true, offered: 0 };
  const served: DirectRequest[] = [];
  const handedOver: Buffer[] = [];
  const held: (() => void)[] = [];
  const written: string[] = [];
  const socket = real ?? socketOf(state, { written, held });
  const lane: DirectLane = {
    ...{ starts: [directStart(OPTIONS.path)], headerBytesMax: OPTIONS.headerBytesMax, takes: () => true },
    ...{ keepAliveMs: 5_000, patienceMs: 500, answerTimeoutMs: 10_000 },
    isDraining: () => state.draining,
    readHead: (text) => readDirectHead(text, OPTIONS),
    handOver: (_socket, bytes) => handedOver.push(bytes),
    serve: (request) => served.push(request),
    onGone: () => undefined,
  };
  const direct = new DirectConnection(socket, lane, () => state.nowMs);
  return {
    ...{ state, served, handedOver, direct, socket, written },
    answer: () => direct.answer({ text: 'answer', encoding: 'latin1', bytes: null, last: false }),
    send: (bytes: Buffer) => {
      socket.push(bytes);
      return turn();
    },
    takeAll() {
      state.takes = true;
      for (const done of held.splice(0)) done();
      return turn();
    },
  };
}

describe('a connection of which more comes than is answered', () => {
  it('is read on only once little is held', async () => {
    const { socket, served, answer, send } = connection();
    const flood = Buffer.concat(Array.from({ length: 1_000 }, () => REQUEST));
    for (let index = 0; index < 40; index += 1) await send(flood);
    const unread = socket.readableLength;
    expect(unread).toBeGreaterThan(0);
    for (let index = 0; index < 30; index += 1) {
      answer();
      await turn();
    }
    expect(served).toHaveLength(31);
    expect(socket.readableLength).toBe(unread);
  });

  it('is answered to the last request', async () => {
    const { served, answer, send } = connection();
    const flood = Buffer.concat(Array.from({ length: 1_000 }, () => REQUEST));
    for (let index = 0; index < 4; index += 1) await send(flood);
    for (let index = 0; index < 4_000; index += 1) {
      answer();
      await turn();
    }
    expect(served).toHaveLength(4_000);
  });

  it('is read on for the rest of a body', async () => {
    const { served, answer, send } = connection();
    const head = 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n';
    await send(REQUEST);
    await send(Buffer.concat([Buffer.from(head), Buffer.alloc(100_000)]));
    await send(Buffer.alloc(100_000));
    expect(served).toHaveLength(1);
    answer();
    await turn();
    await turn();
    expect(served.map(({ body }) => body?.length)).toEqual([2, 200_000]);
  });
});

describe('a connection that is read past its stream', () => {
  const numbered = (index: number): Buffer => {
    const body = String(index).padStart(8, '0');
    return Buffer.from(`POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 8\r\n\r\n${body}`);
  };

  it('takes requests in the order they came, whatever of them the stream held meanwhile', async () => {
    const { socket, served, answer, send } = connection();
    const bytes = Buffer.concat(Array.from({ length: 6_000 }, (_, index) => numbered(index)));
    for (let at = 0; at < bytes.length; at += 9_973) await send(bytes.subarray(at, at + 9_973));
    expect(socket.isPaused()).toBe(true);
    for (let index = 0; index < 6_000; index += 1) {
      answer();
      await turn();
    }
    const bodies = served.map(({ body }) => Number(String(body)));
    expect(bodies).toEqual(Array.from({ length: 6_000 }, (_, index) => index));
  });

  it('is read on by its socket, too, once little is held', async () => {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const client = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
    const [socket] = (await once(server, 'connection')) as [Socket];
    const { served, direct } = connection(socket);
    const REQUESTS = 20_000;
    client.resume();
    client.write(Buffer.concat(Array.from({ length: REQUESTS }, (_, index) => numbered(index))));
    const answers = () => {
      if (served.length === 0) return;
      direct.answer({ text: 'a', encoding: 'latin1', bytes: null, last: false });
    };
    while (served.length < REQUESTS && !socket.destroyed) {
      answers();
      await turn();
    }
    expect(served).toHaveLength(REQUESTS);
    expect(served.every(({ body }, index) => Number(String(body)) === index)).toBe(true);
    client.destroy();
    socket.destroy();
    server.close();
    await once(server, 'close');
  });

  it('is its stream again for whoever takes it over', async () => {
    const { socket, handedOver, send } = connection();
    await send(REQUEST.subarray(0, 10));
    await send(Buffer.from('PUT / HTTP/1.1'));
    expect(String(handedOver)).toBe('POST /grapPUT / HTTP/1.1');
    const taken: unknown[] = [];
    expect(socket.push).toBe(Readable.prototype.push);
    socket.on('data', (chunk) => taken.push(String(chunk))).resume();
    await send(Buffer.from('more'));
    expect(taken).toEqual(['more']);
  });

  it('knows no head by its beginning', async () => {
    const { served, handedOver, answer, send } = connection();
    await send(REQUEST);
    answer();
    await turn();
    const longer = String(REQUEST).replace('\r\n\r\n{}', '\r\nx-a: b\r\n\r\n{}');
    await send(Buffer.from(longer));
    expect(served[1]?.head.headers).toMatchObject({ 'x-a': 'b' });
    answer();
    await turn();
    // The head before, but for its last byte, and the same one cut in two.
    await send(Buffer.from(longer.slice(0, -3)));
    await send(Buffer.from(longer.slice(-3)));
    expect(served[2]?.head).toBe(served[1]?.head);
    answer();
    await turn();
    await send(Buffer.from(longer.replace('POST', 'GET')));
    expect(handedOver.map(String)).toEqual([longer.replace('POST', 'GET')]);
    expect(served).toHaveLength(3);
  });

  it('aborts the request that runs when its client ends, and serves no other', async () => {
    const { direct, socket, served, send } = connection();
    await send(REQUEST);
    await send(REQUEST);
    socket.push(null);
    await turn();
    expect(direct.signal.aborted).toBe(true);
    expect(served).toHaveLength(1);
  });
});

describe('a client that takes its answer slowly', () => {
  it('costs little however small the pieces are that it comes in, and is whole', async () => {
    const { socket, served, handedOver, direct, state } = connection();
    const body = Buffer.from(Array.from({ length: 2000 }, (_, at) => 97 + (at % 26)));
    const head = `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`;
    const joined = vi.spyOn(Buffer, 'concat');
    try {
      socket.emit('data', Buffer.from(head));
      for (const byte of body) socket.emit('data', Buffer.of(byte));
      expect(joined.mock.calls.length).toBeLessThan(20);
    } finally {
      joined.mockRestore();
    }
    expect(served.map((request) => String(request.body))).toEqual([String(body)]);
    // What is handed over is whole, too.
    for (const bytes of [head, 'abc', 'de']) socket.emit('data', Buffer.from(bytes));
    state.nowMs = 600;
    direct.check();
    expect([served.length, handedOver.map(String)]).toEqual([1, []]);
    direct.answer({ text: 'answer', encoding: 'latin1', bytes: null, last: false });
    await turn();
    state.nowMs = 1200;
    direct.check();
    expect(handedOver.map(String)).toEqual([`${head}abcde`]);
  });

  it('has the same time for it when its next request comes meanwhile', async () => {
    const { state, direct, socket, served, answer, send, takeAll } = connection();
    await send(REQUEST);
    state.takes = false;
    answer();
    await send(REQUEST);
    state.nowMs = 9_000;
    direct.check();
    expect(socket.destroyed).toBe(false);
    await takeAll();
    expect(served).toHaveLength(2);
  });

  it('is cut off when its time is over', async () => {
    const { state, direct, socket, answer, send } = connection();
    await send(REQUEST);
    state.takes = false;
    answer();
    await send(REQUEST);
    state.nowMs = 10_000;
    direct.check();
    expect(socket.destroyed).toBe(true);
  });

  it('is not kept for another request while the listener closes', async () => {
    const { state, direct, socket, answer, send, takeAll } = connection();
    await send(REQUEST);
    state.takes = false;
    answer();
    await turn();
    state.draining = true;
    direct.drain();
    expect(socket.destroyed).toBe(false);
    await takeAll();
    expect(socket.destroyed).toBe(true);
  });
});

describe('an answer', () => {
  it('goes out when all that came in the same turn has been read', async () => {
    const { answer, send, written } = connection();
    await send(REQUEST);
    answer();
    expect(written).toEqual([]);
    await turn();
    expect(written).toEqual(['answer']);
  });

  it('goes out before its connection is cut', async () => {
    const { direct, socket, answer, send, written } = connection();
    await send(REQUEST);
    answer();
    direct.cut();
    expect(written).toEqual(['answer']);
    expect(socket.destroyed).toBe(true);
    await turn();
    expect(written).toEqual(['answer']);
  });

  it('goes nowhere once its client has left', async () => {
    const { socket, answer, send, written } = connection();
    await send(REQUEST);
    answer();
    socket.destroy();
    await turn();
    expect(written).toEqual([]);
  });
});
