import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { embeddedDatabase } from '../control/embedded-database.ts';
import { freePort } from '../free-port.ts';
import { ask, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { startItems, type TinySubgraph } from './tiny-subgraph.ts';
import { startWebhookReceiver, type WebhookReceiver } from './webhook-receiver.ts';

const WITHIN = { timeout: 3000, interval: 10 };
const STAFF = { tenant: undefined, client_id: undefined };
const REFUSED = '{ scoped }';
const HOOK_SECRET = 'h'.repeat(32);
/** As long as a busy machine may take. */
const IN_TIME = { timeout: 30_000, interval: 20 };

let items: TinySubgraph;
let gateway: TestGateway;
let officer: string;
let hooks: WebhookReceiver;
let page: string;

beforeAll(async () => {
  items = await startItems();
  hooks = await startWebhookReceiver(HOOK_SECRET);
  const port = await freePort();
  page = `http://127.0.0.1:${port}/metrics`;
  gateway = await startTestGateway([items], {
    state: { database: embeddedDatabase(), pollMs: 100 },
    admin: { enabled: true },
    telemetry: { metrics: { enabled: true, port } },
    notifications: {
      webhooks: [{ url: hooks.url, secret: HOOK_SECRET, topics: ['incident.*', 'restriction.*'] }],
    },
    incidents: {
      mode: 'act',
      detectors: {
        refusalBurst: { threshold: 5, action: 'stepUp' },
        schemaProbing: { threshold: 5, mode: 'dryRun' },
        auditTampering: { windowSeconds: 1 },
      },
    },
  });
  officer = await gateway.issuer.token({
    ...{ ...STAFF, sub: 'olga', scope: 'portcullis:security' },
    ...{ amr: ['pwd', 'mfa'], auth_time: Math.floor(Date.now() / 1000) },
  });
});

afterAll(async () => {
  await gateway?.close();
  await items?.close();
  await hooks?.close();
});

interface IncidentRow {
  readonly id: string;
  readonly rule: string;
  readonly state: string;
  readonly culprit: { readonly subject: string | null };
  readonly events: readonly string[];
  readonly actions: readonly { readonly kind: string; readonly liftedBy: string | null }[];
}

async function incidents(rule: string): Promise<readonly IncidentRow[]> {
  const text = `{ admin { incidents(rule: "${rule}") { nodes {
    id rule state severity dryRun action times culprit { kind subject tenant } counts { name count } events
    actions { kind target expiresAt liftedBy } } } } }`;
  const { body } = await ask(gateway.url, text, { token: officer });
  const admin = body.data?.['admin'] as { incidents: { nodes: IncidentRow[] } } | undefined;
  return admin?.incidents.nodes ?? [];
}

const only = (rule: string) =>
  vi.waitFor(async () => {
    const found = await incidents(rule);
    expect(found).toHaveLength(1);
    return found[0] as IncidentRow;
  }, WITHIN);

/** Asks for what is refused, often; the request ids. */
async function attack(token: string, text: string, times: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let call = 0; call < times; call += 1) ids.push((await ask(gateway.url, text, { token })).requestId);
  return ids;
}

const handle = async (field: string, id: string, token = officer) => {
  const input = `{ incidentId: "${id}", reason: "It was a test." }`;
  const text = `mutation { ${field}(input: ${input}) { incident { state handledBy } errors { code } } }`;
  return (await ask(gateway.url, text, { token })).body.data?.[field];
};

describe('incidents', () => {
  it('contain a caller who keeps asking for what it may not have, and let it go as a false positive', async () => {
    const eve = await gateway.issuer.token({ sub: 'eve', amr: ['mfa'], auth_time: 1_000_000 });
    const ada = await gateway.issuer.token({ sub: 'ada' });
    const ids = await attack(eve, REFUSED, 8);
    const incident = await only('refusalBurst');
    expect(incident).toMatchObject({ state: 'CONTAINED', severity: 'MEDIUM', dryRun: false });
    expect(incident.culprit).toMatchObject({ kind: 'caller', subject: 'eve' });
    expect(ids).toEqual(expect.arrayContaining([...incident.events]));
    expect(incident.actions).toEqual([expect.objectContaining({ kind: 'stepUp', liftedBy: null })]);
    const open = async (token: string) => (await ask(gateway.url, '{ open }', { token })).codes;
    await vi.waitFor(async () => expect(await open(eve)).toEqual(['STEP_UP_REQUIRED']), WITHIN);
    expect(await open(ada)).toEqual([]);
    expect(await handle('controlDismissIncident', incident.id)).toEqual({
      incident: { state: 'FALSE_POSITIVE', handledBy: 'olga' },
      errors: [],
    });
    await vi.waitFor(async () => expect(await open(eve)).toEqual([]), WITHIN);
    await attack(eve, REFUSED, 8);
    expect((await incidents('refusalBurst')).map(({ state }) => state)).toEqual(['FALSE_POSITIVE']);
  });

  it('only say what they would do, where a detector is on trial', async () => {
    const eve = await gateway.issuer.token({ sub: 'mallory' });
    await attack(eve, '{ nonsense }', 7);
    expect(await only('schemaProbing')).toMatchObject({
      ...{ state: 'OPEN', dryRun: true, action: 'throttle', actions: [] },
      culprit: { kind: 'caller', subject: 'mallory' },
    });
  });

  it('are handled by who has the scope and has proven a second factor', async () => {
    const { id } = await only('schemaProbing');
    const weak = await gateway.issuer.token({ ...STAFF, sub: 'olga', scope: 'portcullis:security' });
    expect(await handle('controlResolveIncident', id, weak)).toMatchObject({
      errors: [{ code: 'STEP_UP_REQUIRED' }],
    });
    expect(await handle('controlAcknowledgeIncident', id)).toMatchObject({
      incident: { state: 'ACKNOWLEDGED' },
    });
    expect(await handle('controlResolveIncident', id)).toMatchObject({ incident: { state: 'RESOLVED' } });
    expect(await handle('controlResolveIncident', id)).toMatchObject({
      errors: [{ code: 'INVALID_TRANSITION' }],
    });
  });

  it('are told to webhooks, signed, as they are opened, contained, handled and undone', async () => {
    const eve = await only('refusalBurst');
    const mallory = await only('schemaProbing');
    const topicsOf = (id: string) =>
      hooks.taken.filter(({ body }) => body.includes(`"${id}"`)).map(({ topic }) => topic);
    await vi.waitFor(() => {
      expect(topicsOf(mallory.id)).toEqual(
        expect.arrayContaining(['incident.open', 'incident.acknowledge', 'incident.resolve']),
      );
      expect(topicsOf(eve.id)).toEqual(expect.arrayContaining(['incident.open', 'incident.falsePositive']));
      expect(hooks.taken.map(({ topic }) => topic)).toEqual(
        expect.arrayContaining(['incident.contain', 'restriction.undo']),
      );
    }, IN_TIME);
    expect(hooks.taken.filter(({ isSigned }) => !isSigned)).toEqual([]);
    // Twice the same has the same id.
    expect(new Set(hooks.taken.map(({ delivery }) => delivery)).size).toBeGreaterThanOrEqual(7);
  });

  it('stand on a database whose connections are counted', async () => {
    const text = await (await fetch(page)).text();
    const states = [...text.matchAll(/^portcullis_database_connections\{state="(\w+)"\} \d+$/gmu)];
    expect(states.map(([, state]) => state)).toEqual(['busy', 'idle', 'waiting']);
  });

  it('tell of an audit log that is changed while the gateway writes it', async () => {
    expect(await incidents('auditTampering')).toEqual([]);
    const directory = join(gateway.where.path, 'audit');
    const [name = ''] = readdirSync(directory).filter((each) => each.endsWith('.ndjson'));
    const path = join(directory, name);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"subject":"eve"', '"subject":"ada"'));
    expect(await only('auditTampering')).toMatchObject({ severity: 'CRITICAL', culprit: { kind: 'audit' } });
  });
});
