import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createGuardedFetch,
  type LookupAll,
} from '../../../../subgraphs/ai/endpoint/guarded-fetch-client.ts';
import type { WholeInit } from '../../../../subgraphs/ai/endpoint/provider-response.ts';
import { CERTIFICATE, CERTIFICATE_KEY } from '../../../config/tls-fixture.ts';

const WHOLE: WholeInit = { method: 'POST', body: '{}', isWhole: true };
const trusted = getCACertificates('default');
const ports = new Set<number | undefined>();
let requests = 0;
const server = createServer({ cert: CERTIFICATE, key: CERTIFICATE_KEY }, (request, response) => {
  requests += 1;
  ports.add(request.socket.remotePort);
  response.end('yes');
});
let port: number;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(async () => {
  setDefaultCACertificates(trusted);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Asks so often by a host that resolves to this machine. */
async function ask(host: string, times = 1): Promise<unknown> {
  const lookupAll: LookupAll = (_, done) => done(null, [{ address: '127.0.0.1', family: 4 }]);
  const { fetch, close } = createGuardedFetch({ named: new Set([host]), lookupAll });
  try {
    const texts: string[] = [];
    for (let time = 0; time < times; time += 1)
      texts.push(await (await fetch(`https://${host}:${port}/`, WHOLE)).text());
    return texts;
  } catch (thrown) {
    return ((thrown as Error).cause as { readonly code?: unknown }).code;
  } finally {
    await close();
  }
}

describe('a call over TLS that is taken as a whole', () => {
  it('is not made to who has a certificate that nobody vouches for', async () => {
    expect(await ask('localhost')).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(await ask('127.0.0.1')).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(requests).toBe(0);
  });

  it('is made over one connection to who proves its name or its address, and to nobody else', async () => {
    setDefaultCACertificates([...trusted, CERTIFICATE]);
    expect(await ask('models.internal')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(requests).toBe(0);
    expect(await ask('localhost', 2)).toEqual(['yes', 'yes']);
    expect(ports.size).toBe(1);
    expect(await ask('127.0.0.1')).toEqual(['yes']);
  });
});
