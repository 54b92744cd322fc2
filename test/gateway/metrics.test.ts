import parsePrometheus from 'parse-prometheus-text-format';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../free-port.ts';
import { ask, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { federated, startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

const SDL = federated(`
  type Query { open(text: String): String closed: String @authenticated broken: String }
  type Mutation { change: Int }
`);
const CANARY = 'canary-7f3a';

let shop: TinySubgraph;
let gateway: TestGateway;
let page: string;

beforeAll(async () => {
  shop = await startTinySubgraph('shop', SDL, {
    Query: {
      open: () => 'yes',
      broken: () => {
        throw new Error(CANARY);
      },
    },
    Mutation: { change: () => 1 },
  });
  const port = await freePort();
  page = `http://127.0.0.1:${port}/metrics`;
  gateway = await startTestGateway([shop], {
    telemetry: { metrics: { enabled: true, port } },
    identity: { anonymous: true },
    rateLimits: { limits: [{ name: 'calls', by: ['ip'], points: 1000, perSeconds: 1 }] },
  });
});

afterAll(async () => {
  await gateway?.close();
  await shop?.close();
});

const read = async () => (await fetch(page)).text();

interface Family {
  readonly name: string;
  readonly metrics: readonly {
    readonly value?: string;
    readonly labels?: Readonly<Record<string, string>>;
  }[];
}

/** The value of one series; 0 where there is none. */
async function valueIn(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
  const families = parsePrometheus(await read()) as readonly Family[];
  const found = families
    .find((family) => family.name === name)
    ?.metrics.find((metric) =>
      Object.entries(labels).every(([key, value]) => metric.labels?.[key] === value),
    );
  return Number(found?.value ?? 0);
}

/** How often something was timed: the parser leaves out labels of histograms. */
async function timesOf(name: string, labels: string): Promise<number> {
  const line = (await read()).split('\n').find((each) => each.startsWith(`${name}_count{${labels}}`));
  return Number(line?.split(' ').at(-1) ?? 0);
}

describe('metrics', () => {
  it('count what happened, each request once', async () => {
    const token = await gateway.issuer.token({ tenant: CANARY, sub: CANARY });
    for (let call = 0; call < 3; call += 1)
      await ask(gateway.url, `query ${CANARY.replace('-', '_')} { open(text: "${CANARY}") }`, { token });
    await ask(gateway.url, '{ open closed }');
    await ask(gateway.url, '{ broken }', { token });
    await ask(gateway.url, 'mutation { change }', { token });
    await ask(gateway.url, '{ open }', { token: 'not.a.token' });
    await ask(gateway.url, `{ ${CANARY.replace('-', '_')} }`, { token });

    const [busy, idle, waiting] = await Promise.all(
      ['busy', 'idle', 'waiting'].map((state) => valueIn('portcullis_subgraph_connections', { state })),
    );
    expect([(busy ?? 0) + (idle ?? 0) > 0, waiting]).toEqual([true, 0]);
    const requests = 'portcullis_requests_total';
    expect(await valueIn(requests, { type: 'query', decision: 'permit', code: 'none', status: '200' })).toBe(
      4,
    );
    expect(await valueIn(requests, { type: 'query', decision: 'filter' })).toBe(1);
    expect(await valueIn(requests, { type: 'mutation', code: 'none' })).toBe(1);
    expect(await valueIn(requests, { type: 'none', code: 'UNAUTHENTICATED', status: '401' })).toBe(1);
    expect(await valueIn(requests, { code: 'GRAPHQL_VALIDATION_FAILED' })).toBe(1);
    expect(await valueIn('portcullis_subgraph_requests_total', { subgraph: 'shop', status: '200' })).toBe(6);
    expect(await valueIn('portcullis_subgraph_errors_total', { subgraph: 'shop' })).toBe(1);
    const duration = (decision: string) =>
      timesOf('portcullis_request_duration_seconds', `type="query",decision="${decision}"`);
    expect([await duration('permit'), await duration('filter')]).toEqual([4, 1]);
    expect(await valueIn('portcullis_refused_fields_total', { rule: 'authenticated' })).toBe(1);
    const stage = (name: string) => timesOf('portcullis_stage_duration_seconds', `stage="${name}"`);
    expect([
      await stage('identify'),
      await stage('execute'),
      await stage('intend'),
      await stage('limit'),
    ]).toEqual([8, 6, 1, 6]);
    expect(await stage('compile')).toBe(7);
    const failed = (name: string, code: string) =>
      valueIn('portcullis_stage_errors_total', { stage: name, code });
    expect([
      await failed('identify', 'UNAUTHENTICATED'),
      await failed('compile', 'GRAPHQL_VALIDATION_FAILED'),
      await valueIn('portcullis_stage_errors_total', { stage: 'execute' }),
    ]).toEqual([1, 1, 0]);
    expect(await read()).not.toMatch(/^portcullis_database_connections\{/mu);
    expect(await valueIn('portcullis_ready')).toBe(1);
    expect(await valueIn('process_resident_memory_bytes')).toBeGreaterThan(1e6);
  });

  it('name neither callers nor what they say', async () => {
    expect(await read()).not.toContain(CANARY.replace('-', '_'));
    expect(await read()).not.toContain(CANARY);
  });

  it('are not on the port of the endpoint, and nothing else is on theirs', async () => {
    expect((await fetch(new URL('/metrics', gateway.url))).status).toBe(404);
    expect((await fetch(new URL('/graphql', page))).status).toBe(404);
    expect((await fetch(page, { method: 'POST', body: 'x' })).status).toBe(405);
    expect((await fetch(page, { method: 'HEAD' })).status).toBe(200);
  });
});
