import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SYSTEM } from '../../src/control/actor.ts';
import { embeddedDatabase } from '../control/embedded-database.ts';
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
    state: { database: embeddedDatabase(), pollMs: 100 },
    admin: { enabled: true },
    telemetry: {
      otlp: { url: otlp.url },
      traces: { enabled: true, samplePercent: 100 },
      serverTiming: true,
      metrics: { otlp: { enabled: true, intervalMs: 1000 } },
    },
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
});

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
      const logs = otlp.exports.filter(({ path }) => path === '/v1/logs');
      const texts = [posted.join(''), JSON.stringify(logs)];
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

interface SpanJson {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
}

/** All spans that the receiver has of a trace. */
function spansOf(traceId: string): readonly SpanJson[] {
  const bodies = otlp.exports
    .filter(({ path }) => path === '/v1/traces')
    .map(({ body }) => JSON.stringify(body));
  return bodies
    .flatMap((body) => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans as SpanJson[])
    .filter((span) => span.traceId === traceId);
}

describe('traces of a gateway', () => {
  const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

  it('go from the caller through each stage to the subgraph, and hold no value', async () => {
    const token = await gateway.issuer.token();
    const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;
    const { requestId } = await ask(gateway.url, 'query Traced($id: ID) { order(id: $id) }', {
      ...{ token, variables: { id: SECRET } },
      headers: { traceparent, tracestate: 'vendor=planted-state' },
    });
    const spans = await vi.waitFor(() => {
      const found = spansOf(TRACE);
      expect(found.length).toBeGreaterThan(0);
      return found;
    }, WITHIN);
    expect(spans.map(({ name }) => name).sort()).toEqual(
      ['identify', 'compile', 'authorize', 'execute', 'fetch shop', 'respond', 'query'].sort(),
    );
    const [root] = spans.filter(({ name }) => name === 'query');
    expect(root?.parentSpanId).toBe('00f067aa0ba902b7');
    const ids = new Set([...spans.map(({ spanId }) => spanId), '00f067aa0ba902b7']);
    for (const { parentSpanId } of spans) expect(ids).toContain(parentSpanId);
    const call = shop.received.find(({ headers }) => headers['traceparent']?.[0]?.includes(TRACE) === true);
    const fetch = spans.find(({ name }) => name === 'fetch shop');
    expect(call?.headers['traceparent']).toEqual([`00-${TRACE}-${fetch?.spanId}-01`]);
    expect(call?.headers['tracestate']).toBeUndefined();
    const text = JSON.stringify(otlp.exports.filter(({ path }) => path === '/v1/traces'));
    expect(text).toContain(requestId);
    for (const hidden of [SECRET, token, 'planted-state']) expect(text).not.toContain(hidden);
    expect(otlp.faults).toEqual([]);
  });

  it('have a span for a refusal, and its code', async () => {
    const trace = TRACE.replace('4', '5');
    await ask(gateway.url, '{ nothing }', {
      token: 'no token',
      headers: { traceparent: `00-${trace}-00f067aa0ba902b7-00` },
    });
    const spans = await vi.waitFor(() => {
      expect(spansOf(trace).length).toBeGreaterThan(0);
      return spansOf(trace);
    }, WITHIN);
    expect(spans.map(({ name }) => name).sort()).toEqual(['identify', 'request']);
    expect(JSON.stringify(spans)).toContain('UNAUTHENTICATED');
  });

  it('tell a client the times of its stages where that is asked for', async () => {
    const { headers } = await ask(gateway.url, '{ order(id: 2) }', { token: await gateway.issuer.token() });
    expect(headers.get('server-timing')).toMatch(
      /^identify;dur=[\d.]+, compile;dur=[\d.]+, authorize;dur=[\d.]+, execute;dur=[\d.]+, respond;dur=[\d.]+$/u,
    );
  });
});

describe('metrics of a gateway', () => {
  it('go to a receiver of OTLP, and have no label that a client chose', async () => {
    // Names that no random id can hold by chance.
    const caller = { sub: 'metered-subject', tenant: 'metered-tenant' };
    await ask(gateway.url, 'query ChosenByClient { order(id: 1) }', {
      token: await gateway.issuer.token(caller),
    });
    const sent = () => otlp.exports.filter(({ path }) => path === '/v1/metrics').map(({ body }) => body);
    const sentBefore = sent().length;
    const text = await vi.waitFor(() => {
      // One may have been on its way; the next one has read the metrics after the answer.
      expect(sent().length).toBeGreaterThan(sentBefore + 1);
      const last = JSON.stringify(sent().at(-1));
      expect(last).toContain('portcullis_requests_total');
      return last;
    }, WITHIN);
    for (const name of [
      ...[
        'portcullis_stage_duration_seconds',
        'portcullis_subgraph_duration_seconds',
        'portcullis_queue_length',
      ],
      ...[
        'portcullis_cache_entries',
        'portcullis_audit_sink_lag_bytes',
        'portcullis_trace_spans_dropped_total',
      ],
    ])
      expect(text).toContain(`"${name}"`);
    for (const chosen of ['ChosenByClient', ...Object.values(caller), SECRET])
      expect(text).not.toContain(chosen);
    expect(otlp.faults).toEqual([]);
  });
});
