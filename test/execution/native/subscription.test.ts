import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { ExecutionResult, SubscriptionInput } from '../../../src/execution/executor.ts';
import { ANONYMOUS } from '../../../src/identity/principal.ts';
import { startTwoEngines, type TwoEngines } from '../../differential/kit/two-engines.ts';

const LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])';
const EVENTS = `${LINK} type Query { a: Int } type Subscription { changed(after: Int): Item } type Item @key(fields: "id") { id: ID! at: Int }`;
const NAMES = `${LINK} type Item @key(fields: "id") { id: ID! name: String }`;
const TEXT = 'subscription ($after: Int) { it: changed(after: $after) { at name } }';

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function serve(listener: (request: IncomingMessage, response: ServerResponse, body: string) => void) {
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => listener(request, response, Buffer.concat(chunks).toString()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const next = (body: unknown): string => `event: next\ndata: ${JSON.stringify(body)}\n\n`;
const item = (id: string, at: number) => ({ data: { it: { __typename: 'Item', id, at } } });
const COMPLETE = 'event: complete\n\n';

interface Upstream {
  readonly engines: TwoEngines;
  readonly bodies: string[];
  readonly accepts: (string | undefined)[];
}

async function upstream(answer: (response: ServerResponse, body: string) => void): Promise<Upstream> {
  const bodies: string[] = [];
  const accepts: (string | undefined)[] = [];
  const events = await serve((request, response, body) => {
    bodies.push(body);
    accepts.push(request.headers.accept);
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    answer(response, body);
  });
  const names = await serve((_request, response, body) => {
    const { variables } = JSON.parse(body) as { variables: { representations: { id: string }[] } };
    const entities = variables.representations.map(({ id }) => ({ name: `name of ${id}` }));
    response.end(JSON.stringify({ data: { _entities: entities } }));
  });
  const engines = await startTwoEngines([
    { name: 'events', url: events, sdl: EVENTS },
    { name: 'names', url: names, sdl: NAMES },
  ]);
  opened.push(() => engines.close());
  return { engines, bodies, accepts };
}

async function inputFor(
  engines: TwoEngines,
  change: Partial<SubscriptionInput> = {},
): Promise<SubscriptionInput> {
  return {
    variant: await engines.compile(TEXT).planFor(''),
    variables: { after: 3 },
    principal: ANONYMOUS,
    requestId: 'r',
    headers: {},
    signal: new AbortController().signal,
    eventTimeoutMs: 5_000,
    bounds: { eventBytesMax: 10_000, idleTimeoutMs: 5_000 },
    ...change,
  };
}

async function outcome({ engines }: Upstream, change: Partial<SubscriptionInput> = {}) {
  const results: ExecutionResult[] = [];
  try {
    for await (const result of engines.engines.native.subscribe(await inputFor(engines, change))) {
      results.push(result);
    }
    return { results, code: null };
  } catch (fault) {
    return { results, code: (fault as { code?: string }).code };
  }
}

describe('a subscription of the native engine', () => {
  it('completes each event through the other subgraphs, and ends with the subgraph', async () => {
    const running = await upstream((response) => {
      response.write(': alive\n\n');
      response.write(next(item('1', 10)));
      response.end(next(item('2', 20)) + COMPLETE);
    });
    const { results, code } = await outcome(running);
    expect(code).toBeNull();
    expect(results.map(({ data }) => data)).toMatchObject([
      { it: { at: 10, name: 'name of 1' } },
      { it: { at: 20, name: 'name of 2' } },
    ]);
    expect(results[0]?.fetches.map(({ subgraph }) => subgraph)).toEqual(['events', 'names']);
    expect(JSON.parse(running.bodies[0] ?? '')).toMatchObject({ variables: { after: 3 } });
    expect(running.accepts).toEqual(['text/event-stream']);
  });

  it('never shares one subscription between two callers', async () => {
    const running = await upstream((response) => response.end(next(item('1', 1)) + COMPLETE));
    await Promise.all([outcome(running), outcome(running)]);
    expect(running.bodies).toHaveLength(2);
  });

  it('tells errors of an event with it and goes on', async () => {
    const error = { message: 'no', path: ['it'], extensions: { code: 'GONE' } };
    const running = await upstream((response) =>
      response.end(next({ data: { it: null }, errors: [error] }) + next(item('2', 2)) + COMPLETE),
    );
    const { results } = await outcome(running);
    expect(results[0]?.errors).toMatchObject([{ path: ['it'], subgraph: 'events' }]);
    expect(results[1]?.errors).toEqual([]);
  });

  it.each<[string, string, (response: ServerResponse) => void]>([
    [
      'ends before the subscription does',
      'DOWNSTREAM_SERVICE_ERROR',
      (response) => response.end(next(item('1', 1))),
    ],
    [
      'is killed',
      'DOWNSTREAM_SERVICE_ERROR',
      (response) => response.write(next(item('1', 1)), () => response.destroy()),
    ],
    [
      'sends no JSON',
      'DOWNSTREAM_SERVICE_ERROR',
      (response) => response.end(`${next(item('1', 1))}event: next\ndata: {\n\n`),
    ],
    ['sends a list', 'DOWNSTREAM_SERVICE_ERROR', (response) => response.end(next(item('1', 1)) + next([]))],
    [
      'sends an event over the bound',
      'DOWNSTREAM_SERVICE_ERROR',
      (response) => response.write(next(item('1', 1)) + 'x'.repeat(10_001)),
    ],
  ])('throws once a subgraph %s, after what came before', async (_, expected, answer) => {
    const { results, code } = await outcome(await upstream(answer));
    expect(code).toBe(expected);
    expect(results).toHaveLength(1);
  });

  it('refuses a subgraph that is silent for too long', async () => {
    const running = await upstream((response) => response.write(next(item('1', 1))));
    const bounds = { eventBytesMax: 10_000, idleTimeoutMs: 50 };
    expect((await outcome(running, { bounds })).code).toBe('SUBGRAPH_TIMEOUT');
  });

  it.each([
    ['a plain answer', 200, 'application/json'],
    ['a redirect', 302, 'text/event-stream'],
    ['an error', 500, 'text/event-stream'],
    ['a type that only begins alike', 200, 'text/event-streams'],
  ])('refuses %s in place of a stream', async (_, status, type) => {
    const running = await upstream(() => undefined);
    const url = await serve((_request, response) => {
      response.writeHead(status, { 'content-type': type, location: 'http://127.0.0.1:1/' });
      response.end(next(item('1', 1)) + COMPLETE);
    });
    const engines = await startTwoEngines([
      { name: 'events', url, sdl: EVENTS },
      { name: 'names', url, sdl: NAMES },
    ]);
    opened.push(() => engines.close());
    expect(await outcome({ ...running, engines })).toEqual({ results: [], code: 'DOWNSTREAM_SERVICE_ERROR' });
  });

  it('lets go of the subgraph when it is left, by its reader or by its signal', async () => {
    for (const how of ['return', 'abort'] as const) {
      let gone: () => void = () => undefined;
      const left = new Promise<void>((resolve) => {
        gone = resolve;
      });
      const running = await upstream((response) => {
        response.once('close', gone);
        response.write(next(item('1', 1)));
      });
      const leaving = new AbortController();
      const input = await inputFor(running.engines, { signal: leaving.signal });
      const events = running.engines.engines.native.subscribe(input)[Symbol.asyncIterator]();
      await events.next();
      if (how === 'abort') {
        const waiting = events.next();
        leaving.abort(new Error('left'));
        await expect(waiting).rejects.toThrow('left');
      } else await events.return?.();
      await left;
    }
  });

  it('does not read on while nobody takes the events', async () => {
    let written = 0;
    const running = await upstream((response) => {
      const write = (): void => {
        let more = true;
        while (more && written < 2_000) {
          written += 1;
          more = response.write(next({ data: { it: null }, extensions: { pad: 'x'.repeat(8_000) } }));
        }
      };
      response.on('drain', write);
      write();
    });
    const events = running.engines.engines.native
      .subscribe(await inputFor(running.engines))
      [Symbol.asyncIterator]();
    await events.next();
    const before = process.memoryUsage().arrayBuffers;
    // Many more turns than all 16 MB take to come over the loopback, if anybody read them.
    for (let turn = 0; turn < 2_000; turn += 1) await setImmediate();
    expect(written).toBeLessThan(2_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2_000_000);
    await events.return?.();
  });

  it('keeps names of prototypes out of what it builds', async () => {
    const hostile =
      '{"data":{"it":{"__typename":"Item","id":"1","at":1,"__proto__":{"at":9}},"__proto__":{"x":1}}}';
    const running = await upstream((response) =>
      response.end(`event: next\ndata: ${hostile}\n\n${COMPLETE}`),
    );
    const { results } = await outcome(running);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    expect(results[0]?.data).toMatchObject({ it: { at: 1, name: 'name of 1' } });
  });

  it("is not run by Apollo's engine", async () => {
    const { engines } = await upstream(() => undefined);
    const events = engines.engines.apollo.subscribe(await inputFor(engines))[Symbol.asyncIterator]();
    await expect(events.next()).rejects.toMatchObject({ code: 'SUBSCRIPTION_NOT_SUPPORTED' });
  });
});
