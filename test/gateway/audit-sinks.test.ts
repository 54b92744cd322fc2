import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type OtlpReceiver, startOtlpReceiver } from '../telemetry/otlp-receiver.ts';
import { ask, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

const WITHIN = { timeout: 10_000, interval: 50 };
const SECRET = 'planted-secret-in-a-variable';

let shop: TinySubgraph;
let gateway: TestGateway;
let otlp: OtlpReceiver;
let siem: Server;
let posted: string[];

beforeAll(async () => {
  posted = [];
  siem = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    posted.push(Buffer.concat(chunks).toString());
    response.end();
  });
  await new Promise<void>((resolve) => siem.listen(0, '127.0.0.1', resolve));
  otlp = await startOtlpReceiver();
  shop = await startTinySubgraph('shop', 'type Query { order(id: ID): String }', {
    Query: { order: () => 'one' },
  });
  gateway = await startTestGateway([shop], {
    subgraphs: { shop: { identity: 'none' } },
    state: { database: 'pglite://memory', pollMs: 100 },
    admin: { enabled: true },
    audit: {
      shipPollMs: 50,
      sinks: [
        { type: 'database' },
        { type: 'otlp', url: otlp.url },
        {
          type: 'webhook',
          url: `http://127.0.0.1:${(siem.address() as AddressInfo).port}/`,
          secret: 's'.repeat(32),
        },
      ],
    },
  });
}, 60_000);

afterAll(async () => {
  await gateway?.close();
  await shop?.close();
  await otlp?.close();
  siem?.closeAllConnections();
  siem?.close();
});

describe('audit sinks of a gateway', () => {
  it('get what happened, and never a variable', async () => {
    const token = await gateway.issuer.token();
    const asked = await ask(gateway.url, 'query Find($id: ID) { order(id: $id) }', {
      token,
      variables: { id: SECRET },
    });
    const refused = await ask(gateway.url, '{ nothing }', { token });
    expect(asked.body.data).toEqual({ order: 'one' });
    await vi.waitFor(() => {
      const texts = [posted.join(''), JSON.stringify(otlp.exports)];
      for (const text of texts) {
        expect(text).toContain(asked.requestId);
        expect(text).toContain(refused.requestId);
        expect(text).not.toContain(SECRET);
        expect(text).not.toContain(token);
      }
    }, WITHIN);
    expect(otlp.faults).toEqual([]);
  });
});
