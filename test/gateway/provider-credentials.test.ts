import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startAi } from '../../subgraphs/ai/ai-server.ts';
import { parseBudgetConfig } from '../../subgraphs/ai/budget/budget-config.ts';
import { parseCredentialsConfig } from '../../subgraphs/ai/credentials/credentials-config.ts';
import type { RunningSubgraph } from '../../subgraphs/kit/subgraph-server.ts';
import { embeddedDatabase } from '../control/embedded-database.ts';
import { freePort } from '../free-port.ts';
import { OPENAI } from '../subgraphs/ai/fakes/openai-wire.ts';
import { type ProviderFake, startProviderFake } from '../subgraphs/ai/fakes/provider-fake.ts';
import {
  ask,
  auditText,
  createAssertionKey,
  type Folder,
  folder,
  startTestGateway,
  type TestGateway,
} from './gateway-kit.ts';

const SDL = readFileSync(new URL('../../subgraphs/ai/schema.graphql', import.meta.url), 'utf8');
const MASTER_KEY = randomBytes(32);
const SECRETS = ['sk-first-secret-of-all', 'sk-second-secret-of-all', 'sk-secret-of-acme-only'] as const;
const STAFF = { tenant: undefined, client_id: undefined };

let where: Folder;
let fake: ProviderFake;
let placeholder: RunningSubgraph;
let ai: RunningSubgraph;
let gateway: TestGateway;
let staff: string;
const lines: string[] = [];

beforeAll(async () => {
  where = folder();
  fake = await startProviderFake();
  fake.answer = () => ({ status: 200, body: OPENAI.chat('Hello.') });
  const { keyFile, jwks } = await createAssertionKey(where);
  // One after the other, the second where the gateway looks for the first.
  const placement = { port: await freePort(), trust: { jwks }, log: (line: string) => void lines.push(line) };
  placeholder = await startAi(placement);
  gateway = await startTestGateway([{ name: 'ai', url: placeholder.url, sdl: SDL }], {
    state: { database: embeddedDatabase(), pollMs: 100 },
    admin: { enabled: true },
    assertion: { keyFile },
    providerCredentials: { masterKeys: [{ id: 'one', key: MASTER_KEY.toString('base64') }] },
  });
  const mfa = { amr: ['pwd', 'mfa'], auth_time: Math.floor(Date.now() / 1000) };
  staff = await gateway.issuer.token({ ...STAFF, sub: 'olga', scope: 'portcullis:admin', ...mfa });
  await placeholder.close();
  const apiKey = await gateway.issuer.token({ ...STAFF, sub: 'ai', scope: 'portcullis:models' });
  ai = await startAi({
    ...placement,
    providers: [
      {
        ...{ name: 'house', provider: 'openai', keysFrom: 'control', baseURL: `${fake.url}/v1` },
        models: [{ id: 'm', capabilities: ['CHAT'] }],
      },
    ],
    budget: parseBudgetConfig({
      ...{
        plans: 'optional',
        prices: { version: 'v', models: { 'house/m': { input: 1_000_000, output: 1 } } },
      },
    }),
    credentials: parseCredentialsConfig({
      ...{ gateway: gateway.url, apiKey, pollMs: 100 },
      masterKeys: [{ id: 'one', key: new Uint8Array(MASTER_KEY) }],
    }),
  });
});

afterAll(async () => {
  await gateway?.close();
  await ai?.close();
  await fake?.close();
  where.remove();
});

async function change(field: string, input: object): Promise<{ id: string }> {
  const type = `${field.charAt(0).toUpperCase()}${field.slice(1)}Input`;
  const name = field.startsWith('controlDisable') ? 'ControlProviderCredentialReasonInput' : type;
  const text = `mutation ($input: ${name}!) { ${field}(input: $input) { providerCredential { id last4 status } errors { code field } } }`;
  const { body } = await ask(gateway.url, text, { token: staff, variables: { input } });
  const payload = body.data?.[field] as { providerCredential: { id: string } | null } | null | undefined;
  expect(payload?.providerCredential, JSON.stringify(body)).not.toBeNull();
  return payload?.providerCredential ?? { id: '' };
}

/** The key that the provider sees of a chat of a tenant; the code where there is none. */
async function keyOf(tenant: string): Promise<unknown> {
  const token = await gateway.issuer.token({ tenant, scope: 'ai:chat' });
  const input = { model: 'house/m', messages: [{ role: 'USER', content: 'Hi.' }] };
  const query = 'mutation ($input: ChatInput!) { chat(input: $input) { text failure { code } } }';
  fake.requests.length = 0;
  const { body } = await ask(gateway.url, query, { token, variables: { input } });
  const chat = body.data?.['chat'] as { failure: { code: string } | null } | null | undefined;
  const code = chat?.failure?.code ?? body.errors?.[0]?.extensions['code'];
  return fake.requests[0]?.headers.authorization ?? code;
}

describe('a key of a provider that the control plane keeps', () => {
  it('is used soon after it is added, for its tenant alone where it has one, until it is put out of use', async () => {
    expect(await keyOf('globex')).not.toMatch(/^Bearer/u);
    const { id } = await change('controlAddProviderCredential', { provider: 'house', secret: SECRETS[0] });
    await vi.waitFor(async () => expect(await keyOf('globex')).toBe(`Bearer ${SECRETS[0]}`), {
      timeout: 20_000,
    });
    const slug = `mutation { controlCreateTenant(input: { slug: "acme", name: "Acme", owner: "ann" }) { tenant { id } } }`;
    const { body } = await ask(gateway.url, slug, { token: staff });
    const made = body.data?.['controlCreateTenant'] as { tenant: { id: string } };
    await change('controlAddProviderCredential', {
      provider: 'house',
      secret: SECRETS[2],
      tenantId: made.tenant.id,
    });
    await vi.waitFor(async () => expect(await keyOf('acme')).toBe(`Bearer ${SECRETS[2]}`), {
      timeout: 20_000,
    });
    expect(await keyOf('globex')).toBe(`Bearer ${SECRETS[0]}`);
    await change('controlRotateProviderCredential', { credentialId: id, secret: SECRETS[1] });
    await vi.waitFor(async () => expect(await keyOf('globex')).toBe(`Bearer ${SECRETS[1]}`), {
      timeout: 20_000,
    });
    await change('controlDisableProviderCredential', { credentialId: id, reason: 'It leaked.' });
    await vi.waitFor(async () => expect(await keyOf('globex')).not.toMatch(/^Bearer/u), { timeout: 20_000 });
    expect(await keyOf('acme')).toBe(`Bearer ${SECRETS[2]}`);
  });

  it('is held to its spend cap, which administrators see', async () => {
    const { id } = await change('controlAddProviderCredential', {
      ...{ provider: 'house', secret: SECRETS[0] },
      spendCap: { microUsd: '1', per: 'DAY' },
    });
    await vi.waitFor(async () => expect(await keyOf('globex')).toBe('AI_SPEND_CAP_REACHED'), {
      timeout: 20_000,
    });
    const cap =
      '{ admin { providerCredentials(first: 50) { nodes { id spendCap { microUsd per } spentMicroUsd } } } }';
    const { body } = await ask(gateway.url, cap, { token: staff });
    const shown = { id, spendCap: { microUsd: '1', per: 'DAY' }, spentMicroUsd: '0' };
    expect(body.data?.['admin']).toMatchObject({
      providerCredentials: { nodes: expect.arrayContaining([shown]) },
    });
    await change('controlSetProviderCredentialSpendCap', { credentialId: id, reason: 'It may now.' });
    await vi.waitFor(async () => expect(await keyOf('globex')).toBe(`Bearer ${SECRETS[0]}`), {
      timeout: 20_000,
    });
  });

  it('is shown by its end only, and sealed to nobody without the scope for that', async () => {
    const list = '{ admin { providerCredentials { nodes { provider last4 status endpoint } } } }';
    const { body } = await ask(gateway.url, list, { token: staff });
    expect(JSON.stringify(body.data)).toContain('"last4":"only"');
    const sealed = await ask(gateway.url, '{ admin { sealedProviderCredentials { sealed } } }', {
      token: staff,
    });
    // What a caller may not use does not exist for it.
    expect(sealed.body.errors?.map(({ extensions }) => extensions['code'])).toEqual([
      'GRAPHQL_VALIDATION_FAILED',
    ]);
    const written = auditText(gateway.where) + lines.join('') + JSON.stringify([body, sealed.body]);
    for (const secret of SECRETS) expect(written).not.toContain(secret);
  });
});
