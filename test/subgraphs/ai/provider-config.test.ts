import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ProviderConfigError, parseProviderConfigs } from '../../../subgraphs/ai/provider-config.ts';
import { readProvidersFile } from '../../../subgraphs/ai/provider-source.ts';

const KEY = 'sk-very-secret-key';
const VALID = {
  name: 'openai',
  provider: 'openai',
  apiKey: KEY,
  models: [{ id: 'gpt', capabilities: ['CHAT'] }],
};

function faultsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (!(error instanceof ProviderConfigError)) throw error;
    expect(error.message).not.toContain(KEY);
    return error.faults;
  }
  return [];
}

describe('parseProviderConfigs', () => {
  it('takes no providers, and a valid one', () => {
    expect(parseProviderConfigs([])).toEqual([]);
    expect(parseProviderConfigs([VALID])).toEqual([VALID]);
  });

  it.each([
    ['an unknown provider', { ...VALID, provider: 'unknown' }, /provider/u],
    ['an unknown setting', { ...VALID, headers: {} }, /headers/u],
    ['no models', { ...VALID, models: [] }, /models/u],
    ['the same model twice', { ...VALID, models: [...VALID.models, ...VALID.models] }, /same model/u],
    ['no key where one is needed', { ...VALID, apiKey: undefined }, /apiKey/u],
    ['the name of the offline models', { ...VALID, name: 'portcullis' }, /offline/u],
    ['a name that would end in the middle of a model id', { ...VALID, name: 'a/b' }, /name/u],
    ['a key over plain http', { ...VALID, baseURL: 'http://llm.example.com/v1' }, /https/u],
    ['a base that is not http', { ...VALID, baseURL: 'file:///etc' }, /baseURL/u],
    ['a compatible server without its address', { ...VALID, provider: 'openai-compatible' }, /baseURL/u],
    [
      'embeddings of a provider that has none',
      { ...VALID, provider: 'anthropic', models: [{ id: 'm', capabilities: ['EMBEDDINGS'] }] },
      /embed/u,
    ],
    [
      'moderation of a provider that has none',
      { ...VALID, provider: 'google', models: [{ id: 'm', capabilities: ['MODERATION'] }] },
      /moderate/u,
    ],
    [
      'images for a model that does not chat',
      { ...VALID, models: [{ id: 'm', capabilities: ['EMBEDDINGS', 'IMAGES'] }] },
      /chats/u,
    ],
    [
      'a sunset that is no day',
      { ...VALID, models: [{ ...VALID.models[0], lifecycle: { stage: 'STABLE', sunset: '2027-02-30' } }] },
      /sunset/u,
    ],
  ])('refuses %s', (_case, config, fault) => {
    expect(faultsOf(() => parseProviderConfigs([config])).join()).toMatch(fault);
  });

  it('refuses two providers of one name', () => {
    expect(faultsOf(() => parseProviderConfigs([VALID, VALID])).join()).toMatch(/same name/u);
  });

  it('names all faults at once', () => {
    expect(faultsOf(() => parseProviderConfigs([{ ...VALID, provider: 'x', models: [] }]))).toHaveLength(2);
  });

  it('takes plain http on the loopback interface, and without a key', () => {
    const loopback = { ...VALID, baseURL: 'http://127.0.0.1:11434/v1' };
    const keyless = {
      ...VALID,
      provider: 'openai-compatible',
      apiKey: undefined,
      baseURL: 'http://llm:11434/v1',
    };
    expect(parseProviderConfigs([loopback, { ...keyless, name: 'llama' }])).toHaveLength(2);
  });
});

describe('readProvidersFile', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ai-providers-'));
  const write = (content: string): string => {
    const path = join(folder, 'providers.json');
    writeFileSync(path, content);
    return path;
  };
  const { apiKey: _apiKey, ...withoutKey } = VALID;
  const entry = { ...withoutKey, apiKeyEnv: 'TEST_KEY' };

  afterAll(() => rmSync(folder, { recursive: true }));

  it('takes the key from the environment variable that the file names', () => {
    const path = write(JSON.stringify([entry]));
    expect(readProvidersFile(path, { TEST_KEY: KEY })).toEqual({ providers: [VALID] });
  });

  it.each([
    ['a key in the file', JSON.stringify([VALID]), /apiKeyEnv/u],
    ['a variable that is not set', JSON.stringify([{ ...entry, apiKeyEnv: 'NO_SUCH' }]), /not set/u],
    ['a file that is not JSON', `{"apiKey": "${KEY}"`, /JSON/u],
    ['a file that is not a list', '{}', /list/u],
  ])('refuses %s', (_case, content, fault) => {
    const path = write(content);
    expect(faultsOf(() => readProvidersFile(path, { TEST_KEY: KEY })).join()).toMatch(fault);
  });

  it('refuses a file that is not there', () => {
    expect(faultsOf(() => readProvidersFile(join(folder, 'nothing.json'), {})).join()).toMatch(/read/u);
  });

  it('takes a command in place of master keys, for keys and for bodies, and refuses neither of both', () => {
    const path = join(folder, 'command.json');
    const gateway = { gateway: 'https://gateway.example.com/graphql', apiKeyEnv: 'TEST_KEY' };
    const written = (wrapping: object) => {
      const text = JSON.stringify({
        ...{ providers: [], credentials: { ...gateway, ...wrapping }, bodies: wrapping },
      });
      writeFileSync(path, text);
      return () => readProvidersFile(path, { TEST_KEY: KEY });
    };
    const { credentials, bodies } = written({ command: { file: '/opt/kms' } })();
    const whole = {
      file: '/opt/kms',
      args: [],
      environment: ['PATH', 'HOME'],
      timeoutMs: 5_000,
      processesMax: 4,
    };
    for (const section of [credentials, bodies])
      expect(section).toMatchObject({ masterKeys: [], command: whole });
    expect(faultsOf(written({})).join()).toContain('masterKeys or command');
    expect(faultsOf(written({ command: { file: 'kms', shell: true } })).join()).toMatch(/command/u);
  });
});
