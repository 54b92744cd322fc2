import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Listener } from '../../src/listener/listener.ts';
import { createListener } from '../../src/listener/listener-server.ts';
import { STREAMS } from '../listener/start-listener.ts';
import { graphqlHandle } from './graphql-handle.ts';

/**
 * Optional audits (MAY) that do not pass: GET requests without a header that proves a preflight. Any page could send
 * them, so the protection against forged requests refuses them. With that header they pass, below.
 */
const REFUSED_AS_FORGEABLE: ReadonlySet<string> = new Set(['5A70', 'D6D5', '6A70']);

let listener: Listener;
let url = '';

beforeAll(async () => {
  let ids = 0;
  listener = createListener(
    {
      host: '127.0.0.1',
      port: 0,
      path: '/graphql',
      bodyBytesMax: 1 << 20,
      headerBytesMax: 16_384,
      requestTimeoutMs: 10_000,
      answerTimeoutMs: 10_000,
      shutdownTimeoutMs: 1_000,
      compression: true,
      trustProxy: false,
      cors: { origins: [], credentials: false },
      batching: { enabled: false, max: 1 },
      sandbox: 'off',
      openAiPath: null,
      http2: null,
      subscriptions: STREAMS,
      defers: false,
    },
    {
      handle: graphqlHandle,
      jwks: () => ({ keys: [] }),
      readiness: () => ({ ready: true, checks: {} }),
      newId: () => {
        ids += 1;
        return `id-${ids}`;
      },
      now: () => 0,
    },
  );
  url = await listener.listen();
});

afterAll(() => listener.close());

describe('the GraphQL over HTTP audits, as they are', () => {
  for (const audit of serverAudits({ url: () => url })) {
    const refused = REFUSED_AS_FORGEABLE.has(audit.id);
    it(`${refused ? 'refuses' : 'passes'} ${audit.id} ${audit.name}`, async () => {
      const result = await audit.fn();
      expect(result.status, 'reason' in result ? result.reason : '').toBe(refused ? 'notice' : 'ok');
    });
  }
});

describe('the GraphQL over HTTP audits, with the header that proves a preflight', () => {
  const fetchFn = (input: string, init: RequestInit = {}): Promise<Response> => {
    return fetch(input, { ...init, headers: { ...init.headers, 'apollo-require-preflight': 'true' } });
  };
  for (const audit of serverAudits({ url: () => url, fetchFn })) {
    it(`passes ${audit.id} ${audit.name}`, async () => {
      const result = await audit.fn();
      expect(result.status, 'reason' in result ? result.reason : '').toBe('ok');
    });
  }
});
