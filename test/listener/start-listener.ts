import { onTestFinished } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import type { Listener, ListenerDeps, ListenerOptions } from '../../src/listener/listener.ts';
import { createListener } from '../../src/listener/listener-server.ts';
import type { GraphQLRequest } from '../../src/listener/request.ts';
import { graphqlHandle } from '../http/graphql-handle.ts';

export interface Started {
  readonly url: string;
  /** Where the server is, without the path of the endpoint. */
  readonly origin: string;
  readonly port: number;
  readonly listener: Listener;
  /** What reached the request path, in order. */
  readonly seen: readonly GraphQLRequest[];
  /** Codes of the refusals that reached the request path, in order. */
  readonly refusals: () => readonly string[];
}

export const STREAMS: ListenerOptions['subscriptions'] = {
  enabled: true,
  maxPerConnection: 10,
  maxConnections: 100,
  idleTimeoutMs: 60_000,
  heartbeatMs: 10_000,
  eventTimeoutMs: 5_000,
  initTimeoutMs: 60_000,
  maxLifetimeMs: 60_000,
};

const OPTIONS: ListenerOptions = {
  host: '127.0.0.1',
  port: 0,
  path: '/graphql',
  bodyBytesMax: 64 * 1024,
  headerBytesMax: 16 * 1024,
  requestTimeoutMs: 5_000,
  answerTimeoutMs: 20_000,
  shutdownTimeoutMs: 2_000,
  compression: true,
  trustProxy: false,
  cors: { origins: [], credentials: false },
  batching: { enabled: false, max: 10 },
  sandbox: 'off',
  openAiPath: null,
  http2: null,
  subscriptions: STREAMS,
  defers: true,
};

/** Starts a listener on a free port and closes it with the test. */
export async function startListener(
  options: Partial<ListenerOptions> = {},
  deps: Partial<ListenerDeps> = {},
): Promise<Started> {
  const started = createStarted(options, deps);
  onTestFinished(() => started.listener.close());
  return started.listen();
}

/** Starts a listener that several tests share; who starts it closes it. */
export function openListener(options: Partial<ListenerOptions>): Promise<Started> {
  return createStarted(options, {}).listen();
}

/** Makes a listener that several tests share; who starts it closes it. */
export function createStarted(
  options: Partial<ListenerOptions>,
  deps: Partial<ListenerDeps>,
): { readonly listener: Listener; listen(): Promise<Started> } {
  const seen: GraphQLRequest[] = [];
  const handle = deps.handle ?? graphqlHandle;
  let ids = 0;
  const listener = createListener(
    { ...OPTIONS, ...options },
    {
      jwks: () => ({ keys: [] }),
      readiness: () => ({ ready: true, checks: { supergraph: true } }),
      newId: () => {
        ids += 1;
        return `id-${ids}`;
      },
      now: () => 1_000,
      ...deps,
      handle: (request) => {
        seen.push(request);
        return handle(request);
      },
    },
  );
  const refusals = () => seen.flatMap(({ params }) => (params instanceof GatewayError ? [params.code] : []));
  return {
    listener,
    listen: async () => {
      const url = await listener.listen();
      const { origin, port } = new URL(url);
      return { url, origin, port: Number(port), listener, seen, refusals };
    },
  };
}

/** A well-formed POST, with whatever the test wants different. */
export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : body instanceof Uint8Array ? body.slice() : JSON.stringify(body),
  });
}

/** The code of the first error in an answer. */
export async function codeOf(response: Response): Promise<unknown> {
  const body = (await response.json()) as { errors?: readonly { extensions?: { code?: unknown } }[] };
  return body.errors?.[0]?.extensions?.code;
}
