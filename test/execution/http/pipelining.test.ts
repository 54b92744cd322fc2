import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { SubgraphFailure, SubgraphText } from '../../../src/execution/subgraph-answer.ts';
import { SubgraphClient } from '../../../src/execution/subgraph-client.ts';

/** For what is about stalls; else time stands, so that a busy machine passes for none. */
const TIME_PASSES = { now: Date.now };

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** One request as the subgraph has it. */
interface Received {
  readonly body: string;
  /** Which connection it came on. */
  readonly connection: number;
  readonly socket: Socket;
}

const answerOf = (body: string): string => {
  const text = JSON.stringify({ data: body });
  return `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
};

/** A subgraph that does with each request what the test says, in the order in which they come. */
async function subgraph(
  onRequest: (request: Received) => void,
  {
    connectionsMax = 64,
    now = () => 0,
  }: { readonly connectionsMax?: number; readonly now?: () => number } = {},
) {
  let connections = 0;
  const received: Received[] = [];
  const server = createServer((socket) => {
    const connection = connections++;
    let bytes = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      bytes += chunk.toString('latin1');
      for (;;) {
        const head = bytes.indexOf('\r\n\r\n') + 4;
        const length = Number(/content-length: (\d+)/.exec(bytes)?.[1]);
        if (head < 4 || bytes.length < head + length) return;
        const request = { body: bytes.slice(head, head + length), connection, socket };
        bytes = bytes.slice(head + length);
        received.push(request);
        onRequest(request);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new SubgraphClient({ responseBytesMax: 10_000, connectionsMax }, now);
  closers.push(async () => {
    await client.close();
    await new Promise((resolve) => server.close(resolve));
  });
  const endpoint = {
    ...{ name: 'a', timeoutMs: 5_000, pipelining: 4 },
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
  };
  const start = (body: string, { repeatable = true, withinMs = 5_000 } = {}) => {
    const { promise, resolve } = Promise.withResolvers<SubgraphText | SubgraphFailure>();
    const message = { body, headers: {}, untilMs: Date.now() + withinMs, repeatable };
    return { answer: promise, call: client.start(endpoint, message, resolve) };
  };
  return { received, start, connections: () => client.connections() };
}

const own = (body: string) => ({ kind: 'text', text: JSON.stringify({ data: body }) });
const bodies = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

describe('queries under way together on one connection', () => {
  it('are framed by their bytes, whatever letters they hold', async () => {
    const texts = ['plain', 'Grüße', '世界', '🙂', 'lone \ud83d half', 'plain again'];
    const { received, start } = await subgraph(({ socket }) => void socket.write(answerOf('done')));
    await Promise.all(texts.map((text) => start(text).answer));
    const utf8 = received.map(({ body }) => Buffer.from(body, 'latin1').toString('utf8'));
    expect(utf8.toSorted()).toEqual(texts.map((text) => text.toWellFormed()).toSorted());
  });

  it('are as many as may be, and each gets its own answer however the answers are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 70 }), { maxLength: 12 }), async (cuts) => {
        const waiting = new Map<Socket, string>();
        const { received, start } = await subgraph(({ body, socket }) => {
          waiting.set(socket, (waiting.get(socket) ?? '') + answerOf(body));
          if (received.length < bodies.length) return;
          for (const [each, text] of waiting) {
            let at = 0;
            for (const size of cuts) {
              each.write(text.slice(at, at + size));
              at += size;
            }
            each.write(text.slice(at));
          }
        });
        const answers = await Promise.all(bodies.map((body) => start(body).answer));
        expect(answers).toMatchObject(bodies.map(own));
        expect(received.map(({ connection }) => connection).sort()).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
        await Promise.all(closers.splice(0).map((close) => close()));
      }),
      { numRuns: 20 },
    );
  });

  it('go on when one of them is cut off, and nobody reads its answer', async () => {
    const { received, start } = await subgraph(({ socket }) => {
      if (received.length === 3) for (const { body } of received) socket.write(answerOf(body));
    });
    const calls = ['a', 'b', 'c'].map((body) => start(body));
    calls[1]?.call.cut('REQUEST_ABORTED');
    const answers = await Promise.all(calls.map(({ answer }) => answer));
    expect(answers).toMatchObject([own('a'), { code: 'REQUEST_ABORTED' }, own('c')]);
    expect(new Set(received.map(({ connection }) => connection)).size).toBe(1);
  });

  it('never share a connection with what must not be sent twice', async () => {
    const { received, start } = await subgraph(() => {
      if (received.length === 6) for (const { socket, body } of received) socket.write(answerOf(body));
    });
    const calls = ['q1', 'm1', 'q2', 'm2', 'q3', 'm3'].map((body) =>
      start(body, { repeatable: body.startsWith('q') }),
    );
    await Promise.all(calls.map(({ answer }) => answer));
    const of = (kind: string) =>
      received.filter(({ body }) => body.startsWith(kind)).map(({ connection }) => connection);
    expect(new Set(of('m')).size).toBe(3);
    expect(new Set(of('q')).size).toBe(1);
    expect(of('m').filter((each) => of('q').includes(each))).toEqual([]);
  });

  it('go on elsewhere when the one before them hangs', async () => {
    const { received, start } = await subgraph(({ body, socket, connection }) => {
      if (body !== 'hangs' && connection > 0) socket.write(answerOf(body));
    }, TIME_PASSES);
    const hanging = start('hangs', { withinMs: 2_000 });
    const others = ['b', 'c', 'd'].map((body) => start(body));
    expect(await Promise.all(others.map(({ answer }) => answer))).toMatchObject(['b', 'c', 'd'].map(own));
    expect(await hanging.answer).toMatchObject({ code: 'SUBGRAPH_TIMEOUT' });
    // For a while none is sent behind another: there are as many connections as queries.
    const later = ['e', 'f', 'g'].map((body) => start(body));
    await Promise.all(later.map(({ answer }) => answer));
    expect(new Set(received.slice(-3).map(({ connection }) => connection)).size).toBe(3);
  });

  it('do not overtake what waits for a connection of its own', async () => {
    let answered = 0;
    const { received, start } = await subgraph(
      ({ body, socket }) => {
        if (body === 'm') socket.write(answerOf(body));
        if (received.length >= 4 && body !== 'm') {
          // One is always under way.
          const { body: oldest = '' } = received[answered++] ?? {};
          socket.write(answerOf(oldest));
        }
      },
      { connectionsMax: 1 },
    );
    const first = ['a', 'b', 'c', 'd'].map((body) => start(body).answer);
    const alone = start('m', { repeatable: false });
    await first[0];
    start('e');
    const socket = received[0]?.socket;
    for (const body of ['b', 'c', 'd']) socket?.write(answerOf(body));
    expect(await alone.answer).toMatchObject(own('m'));
    expect(received.map(({ body }) => body).slice(0, 5)).toEqual(['a', 'b', 'c', 'd', 'm']);
  });

  it('leave no connection behind on which nobody waits any more', async () => {
    const hung = new Set<number>();
    const { start, connections } = await subgraph(({ body, socket, connection }) => {
      if (body === 'hangs') hung.add(connection);
      if (!hung.has(connection)) socket.write(answerOf(body));
    }, TIME_PASSES);
    const hanging = start('hangs');
    const behind = start('b');
    hanging.call.cut('REQUEST_ABORTED');
    expect(await behind.answer).toMatchObject(own('b'));
    expect(connections()).toMatchObject([{ busy: 0, idle: 1 }]);
  });

  it('may be sent again when their connection ends before their answers', async () => {
    const { received, start } = await subgraph(({ body, socket }) => {
      if (received.length < 3) return;
      socket.end(`${answerOf('a')}HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data":"${body}`);
    });
    const calls = ['a', 'b', 'c'].map((body) => start(body).answer);
    expect(await Promise.all(calls)).toMatchObject([
      own('a'),
      { code: 'DOWNSTREAM_SERVICE_ERROR', status: 200 },
      { code: 'DOWNSTREAM_SERVICE_ERROR', status: 0 },
    ]);
  });

  it('never take an answer that came before they were sent', async () => {
    const { received, start } = await subgraph(({ body, socket }) => {
      socket.write(answerOf(body) + (received.length === 1 ? answerOf('poison') : ''));
    });
    const first = start('a');
    await first.answer;
    expect(await start('b').answer).toMatchObject(own('b'));
  });
});
