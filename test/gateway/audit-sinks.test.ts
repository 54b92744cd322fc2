import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SYSTEM } from '../../src/control/control-plane.ts';
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

  it('make it searchable through the graph, for those who may', async () => {
    const { control } = gateway;
    if (control === null) throw new Error('There is no control plane.');
    const { id } = await control.tenants.create(SYSTEM, { slug: 'acme', name: 'Acme' });
    for (const [subject, role] of [
      ['olga', 'auditor'],
      ['dan', 'developer'],
    ] as const)
      await control.tenants.setMember(SYSTEM, { tenantId: id, subject, role });
    const scope = 'portcullis:audit';
    const olga = await gateway.issuer.token({ sub: 'olga', scope });
    const { requestId } = await ask(gateway.url, 'query Searched { order(id: 1) }', {
      token: await gateway.issuer.token({ sub: 'mallory', tenant: 'globex' }),
    });
    const own = await ask(gateway.url, 'query Searched { order(id: 1) }', { token: olga });
    const search = `query Look { admin {
      auditEvents(filter: { operation: "Searched", coordinate: "Query.order", decision: PERMIT }) {
        nodes { requestId tenant subject coordinates decision code }
      }
      readersOf(coordinate: "Query.order", since: "2026-01-01T00:00:00Z") { nodes { subject times } }
      fieldUsage(coordinate: "Query.order") { nodes { coordinate application times } }
    } }`;
    const told = await vi.waitFor(async () => {
      const answer = await ask(gateway.url, search, { token: olga });
      expect(answer.text).toContain(own.requestId);
      return answer;
    }, WITHIN);
    expect(told.body.data).toMatchObject({
      admin: {
        auditEvents: {
          nodes: [
            {
              ...{
                requestId: own.requestId,
                tenant: 'acme',
                subject: 'olga',
                decision: 'PERMIT',
                code: null,
              },
              coordinates: ['Query.order'],
            },
          ],
        },
        fieldUsage: { nodes: [{ coordinate: 'Query.order', application: 'shop' }] },
      },
    });
    expect(told.text).not.toContain('mallory');
    const root = await gateway.issuer.token({ sub: 'root', tenant: undefined, scope });
    await vi.waitFor(async () => {
      expect((await ask(gateway.url, search, { token: root })).text).toContain(requestId);
    }, WITHIN);
    const dan = await ask(gateway.url, search, { token: await gateway.issuer.token({ sub: 'dan', scope }) });
    expect(new Set(dan.codes)).toEqual(new Set(['FORBIDDEN']));
    const plain = await ask(gateway.url, search, { token: await gateway.issuer.token({ sub: 'olga' }) });
    expect(plain.body.data ?? {}).not.toHaveProperty('admin.auditEvents.nodes');
  });
});
