import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  DirectConnection,
  type DirectLane,
  type DirectRequest,
} from '../../src/listener/direct/direct-connection-server.ts';
import { directStart, readDirectHead } from '../../src/listener/direct/direct-head.ts';

const REQUEST = Buffer.from('POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}');
const OPTIONS = {
  ...{ path: '/graphql', headerBytesMax: 16_384, bodyBytesMax: 1_000_000, compression: false },
  defers: false,
};

/** A connection whose client the test is, on a clock that the test moves. */
function connection() {
  const state = { nowMs: 0, draining: false, takes: true, offered: 0 };
  const served: DirectRequest[] = [];
  const handedOver: Buffer[] = [];
  const held: (() => void)[] = [];
  const written: string[] = [];
  const socket = new Duplex({
    ...{ read: () => undefined, readableHighWaterMark: 1, allowHalfOpen: true },
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      if (state.takes) done();
      else held.push(done);
    },
  }) as unknown as Socket;
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

describe('a client that takes its answer slowly', () => {
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
