import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createGuardedFetch,
  EndpointRefusedError,
  type LookupAll,
} from '../../../../subgraphs/ai/endpoint/guarded-fetch-client.ts';

import type { WholeInit } from '../../../../subgraphs/ai/endpoint/provider-response.ts';

let server: Server;
let port: number;
let requests = 0;

beforeAll(async () => {
  server = createServer((_, response) => {
    requests += 1;
    response.end('yes');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(
  () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
);

/** Sent by the client that takes answers as a whole. */
const WHOLE: WholeInit = { method: 'POST', body: '{}', isWhole: true };

/** What a call ends in, in either way, where names resolve to these addresses. */
async function call(url: string, judged: { named?: string[]; addresses?: string[] }) {
  const [first, second] = [await callBy({}, url, judged), await callBy(WHOLE, url, judged)];
  expect(second).toBe(first);
  return first;
}

async function callBy(
  init: RequestInit,
  url: string,
  { named = [], addresses = [] }: { named?: string[]; addresses?: string[] },
) {
  const lookupAll: LookupAll = (_, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  const { fetch, close } = createGuardedFetch({ named: new Set(named), lookupAll });
  const before = requests;
  try {
    return await (await fetch(url, init)).text();
  } catch (error) {
    expect(requests).toBe(before);
    const causes = [error, (error as Error).cause];
    if (causes.some((cause) => cause instanceof EndpointRefusedError)) return 'refused';
    throw error;
  } finally {
    await close();
  }
}

describe('an endpoint', () => {
  it('on this machine is called where the operator named it, by its name or its address', async () => {
    expect(
      await call(`http://models.internal:${port}/`, { named: ['models.internal'], addresses: ['127.0.0.1'] }),
    ).toBe('yes');
    expect(await call(`http://127.0.0.1:${port}/`, { named: ['127.0.0.1'] })).toBe('yes');
  });

  it.each([
    ['127.0.0.1'],
    ['10.0.0.7'],
    ['169.254.169.254'],
    ['::1'],
    ['::ffff:127.0.0.1'],
    // A name with a good address and another one.
    ['8.8.8.8', '127.0.0.1'],
    [],
  ])('that resolves to %s is refused when it is connected to', async (...addresses) => {
    expect(await call(`http://models.example.com:${port}/`, { addresses })).toBe('refused');
  });

  it.each(['127.0.0.1', '0.0.0.0', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '169.254.169.254'])(
    'of %s is refused',
    async (host) => {
      expect(await call(`http://${host}:${port}/`, {})).toBe('refused');
    },
  );

  it('of metadata is refused also where its name was named', async () => {
    const asked = { named: ['models.internal'], addresses: ['169.254.169.254'] };
    expect(await call(`http://models.internal:${port}/`, asked)).toBe('refused');
  });

  it.each([
    ['another scheme', 'file:///etc/passwd'],
    ['a password', 'http://a:b@models.example.com/'],
  ])('with %s is refused', async (_, url) => {
    expect(await call(url, { addresses: ['8.8.8.8'] })).toBe('refused');
  });

  it('that resolved well before is judged anew at each connection', async () => {
    const answers = [['127.0.0.1'], ['10.0.0.7'], ['169.254.169.254']];
    const lookupAll: LookupAll = (_, done) =>
      done(
        null,
        (answers.shift() ?? []).map((address) => ({ address, family: 4 })),
      );
    const { fetch, close } = createGuardedFetch({ named: new Set(['a.internal']), lookupAll });
    expect(
      await (await fetch(`http://a.internal:${port}/`, { headers: { connection: 'close' } })).text(),
    ).toBe('yes');
    await expect(fetch(`http://b.example.com:${port}/`)).rejects.toThrow();
    await expect(fetch(`http://a.internal:${port + 1}/`)).rejects.toThrow();
    await close();
  });
});
