import { describe, expect, it } from 'vitest';
import type { GatewayResponse, GraphQLRequest } from '../../src/listener/request.ts';
import { open } from './raw-http.ts';
import { post, startListener } from './start-listener.ts';

const HELLO = { query: '{ hello }' };
const DONE: GatewayResponse = { status: 200, headers: {}, body: { data: { done: true } } };

/** A request path that waits until it is told to answer. */
function gate() {
  let arrived: (request: GraphQLRequest) => void = () => undefined;
  let release: (response: GatewayResponse) => void = () => undefined;
  const request = new Promise<GraphQLRequest>((resolve) => {
    arrived = resolve;
  });
  const response = new Promise<GatewayResponse>((resolve) => {
    release = resolve;
  });
  const handle = (one: GraphQLRequest): Promise<GatewayResponse> => {
    arrived(one);
    return response;
  };
  return { handle, request, release };
}

const aborted = (signal: AbortSignal) =>
  new Promise<unknown>((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener('abort', () => resolve(signal.reason));
  });

describe('closing', () => {
  it('lets a running request finish, ends its connection, and refuses new connections', async () => {
    const { handle, request, release } = gate();
    const { url, listener } = await startListener({}, { handle });
    const running = post(url, HELLO);
    await request;
    const closed = listener.close();
    await expect(post(url, HELLO)).rejects.toThrow();
    release(DONE);
    const response = await running;
    expect(await response.json()).toEqual({ data: { done: true } });
    expect(response.headers.get('connection')).toBe('close');
    await closed;
  });

  it('refuses a request that was still arriving', async () => {
    const { handle, request, release } = gate();
    const { url, port, listener, refusals } = await startListener({}, { handle });
    const running = post(url, HELLO);
    await request;
    const { socket, answer } = open(port);
    await new Promise<void>((resolve) => {
      socket.write('POST /graphql HTTP/1.1\r\nhost: x\r\n', () => resolve());
    });
    // An answered request on another connection shows that the server has seen the bytes above.
    await fetch(new URL('/health/live', url));
    const closed = listener.close();
    release(DONE);
    socket.write('content-type: application/json\r\ncontent-length: 2\r\n\r\n{}');
    await answer;
    await running;
    await closed;
    expect(refusals()).toEqual(['SHUTTING_DOWN']);
  });

  it('cuts what runs longer than the bound, and tells it so', async () => {
    const { handle, request } = gate();
    const { url, listener } = await startListener({ shutdownTimeoutMs: 50 }, { handle });
    const running = post(url, HELLO);
    const { signal } = await request;
    const cut = expect(running).rejects.toThrow();
    await listener.close();
    expect(signal.aborted).toBe(true);
    await cut;
  });

  it('waits for the audit of what was cut', async () => {
    let finished = false;
    const handle = async ({ signal }: GraphQLRequest) => {
      await aborted(signal);
      await new Promise((resolve) => setImmediate(resolve));
      finished = true;
      return DONE;
    };
    const { url, listener, seen } = await startListener({ shutdownTimeoutMs: 50 }, { handle });
    const cut = expect(post(url, HELLO)).rejects.toThrow();
    await expect.poll(() => seen.length).toBe(1);
    await listener.close();
    expect(finished).toBe(true);
    await cut;
  });

  it('may be repeated, and does not need a listener that listened', async () => {
    const { listener } = await startListener();
    await Promise.all([listener.close(), listener.close()]);
    await listener.close();
  });
});

describe('a client that goes away', () => {
  it('fires the signal of its request', async () => {
    const { handle, request, release } = gate();
    const { url } = await startListener({}, { handle });
    const client = new AbortController();
    const body = JSON.stringify(HELLO);
    const headers = { 'content-type': 'application/json' };
    const gone = expect(
      fetch(url, { method: 'POST', headers, body, signal: client.signal }),
    ).rejects.toThrow();
    const { signal } = await request;
    expect(signal.aborted).toBe(false);
    client.abort();
    expect(await aborted(signal)).toMatchObject({ code: 'REQUEST_ABORTED' });
    release(DONE);
    await gone;
  });

  it('is not what an answered request looks like', async () => {
    const { url, seen, listener } = await startListener();
    await (await post(url, HELLO)).text();
    await listener.close();
    expect(seen[0]?.signal.aborted).toBe(false);
  });
});

describe('health', () => {
  it('is alive while it runs', async () => {
    const { origin } = await startListener({}, { readiness: () => ({ ready: false, checks: {} }) });
    const response = await fetch(`${origin}/health/live`);
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect((await fetch(`${origin}/health/live`, { method: 'HEAD' })).status).toBe(200);
  });

  it.each([
    [true, 200],
    [false, 503],
  ])('is ready: %j with status %d, and says why', async (ready, status) => {
    const { origin } = await startListener(
      {},
      { readiness: () => ({ ready, checks: { supergraph: ready } }) },
    );
    const response = await fetch(`${origin}/health/ready`);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ ready, checks: { supergraph: ready, accepting: true } });
  });

  it('is not ready while it closes', async () => {
    const { handle, request, release } = gate();
    const { url, port, listener } = await startListener({}, { handle });
    const running = post(url, HELLO);
    await request;
    const { socket, answer } = open(port);
    await new Promise<void>((resolve) => {
      socket.write('GET /health/ready HTTP/1.1\r\nhost: x\r\n', () => resolve());
    });
    await fetch(new URL('/health/live', url));
    const closed = listener.close();
    socket.write('connection: close\r\n\r\n');
    const { status, body } = await answer;
    expect([status, JSON.parse(body).checks.accepting]).toEqual([503, false]);
    release(DONE);
    await running;
    await closed;
  });

  it('leaves no audit event', async () => {
    const { origin, seen } = await startListener();
    await fetch(`${origin}/health/live`);
    await fetch(`${origin}/health/ready`);
    expect(seen).toEqual([]);
  });
});

describe('the key set', () => {
  it('is served to be cached for a while', async () => {
    const { origin } = await startListener({}, { jwks: () => ({ keys: [{ kid: 'a' }] }) });
    const response = await fetch(`${origin}/.well-known/jwks.json`);
    expect(await response.json()).toEqual({ keys: [{ kid: 'a' }] });
    expect(response.headers.get('content-type')).toBe('application/jwk-set+json; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('public, max-age=300');
  });
});
