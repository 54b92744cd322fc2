import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createModelCatalog } from '../../../../subgraphs/ai/model-catalog.ts';
import { parseProviderConfigs } from '../../../../subgraphs/ai/provider-config.ts';
import { createRoutes, type Wanted } from '../../../../subgraphs/ai/routing/routes.ts';
import { parseAliases, parseRouting } from '../../../../subgraphs/ai/routing/routing-config.ts';
import { reader } from '../client-kit.ts';

const KEYS = [
  { name: 'spare', apiKey: 'k3', priority: 1 },
  { name: 'small', apiKey: 'k1', weight: 1 },
  { name: 'large', apiKey: 'k2', weight: 9 },
];
const CONFIGS = parseProviderConfigs([
  {
    ...{ name: 'x', provider: 'openai', apiKeys: KEYS },
    models: [
      { id: 'm', capabilities: ['CHAT'] },
      { id: 'seer', capabilities: ['CHAT', 'IMAGES'] },
      { id: 'old', capabilities: ['CHAT'], lifecycle: { stage: 'RETIRED' } },
      { id: 'vectors', capabilities: ['EMBEDDINGS'] },
    ],
  },
  { name: 'y', provider: 'mistral', apiKey: 'k', models: [{ id: 'n', capabilities: ['CHAT'] }] },
]);
const catalog = createModelCatalog(CONFIGS, { reader, fetch });
const MODELS = new Set(catalog.models.map(({ id }) => id));
const ALIASES = [
  { name: 'fast', targets: [{ model: 'y/n' }, { model: 'x/m', weight: 0 }] },
  { name: 'fast', tenant: 'acme', targets: [{ model: 'portcullis/offline' }] },
  { name: 'seeing', targets: [{ model: 'y/n' }, { model: 'x/seer' }] },
  { name: 'vectors', targets: [{ model: 'x/vectors' }] },
  { name: 'mixed', targets: [{ model: 'x/vectors' }, { model: 'portcullis/offline-embedding' }] },
  { name: 'gone', targets: [{ model: 'x/old' }, { model: 'y/n' }] },
];
const routes = createRoutes(parseAliases(ALIASES, MODELS), { catalog, now: () => 0, random: () => 0.5 });

const wanted = (name: string, part: Partial<Wanted> = {}): Wanted => ({
  ...{ name, tenant: 'globex', capability: 'CHAT', besides: [], requireModel: () => undefined, ...part },
});
const namesOf = (...asked: Parameters<typeof wanted>) =>
  routes.targets(wanted(...asked)).map(({ model, key }) => `${model.id} ${key.id}`);
const X_KEYS = ['large', 'small', 'spare'];

describe('a route', () => {
  it.each<[string, Partial<Wanted>, readonly string[]]>([
    ['x/m', {}, X_KEYS.map((key) => `x/m ${key}`)],
    ['fast', {}, ['y/n config', ...X_KEYS.map((key) => `x/m ${key}`)]],
    ['fast', { tenant: null }, ['y/n config', ...X_KEYS.map((key) => `x/m ${key}`)]],
    ['fast', { tenant: 'acme' }, ['portcullis/offline none']],
    ['gone', {}, ['y/n config']],
    ['vectors', { capability: 'EMBEDDINGS' }, X_KEYS.map((key) => `x/vectors ${key}`)],
    ['seeing', { besides: [['IMAGES', 'no']] }, X_KEYS.map((key) => `x/seer ${key}`)],
  ])('of %s for %j is %j', (name, part, targets) => {
    expect(namesOf(name, part)).toEqual(targets);
  });

  it.each<[string, Partial<Wanted>, string]>([
    ['nothing', {}, 'AI_MODEL_UNKNOWN'],
    ['__proto__', {}, 'AI_MODEL_UNKNOWN'],
    ['x/none', {}, 'AI_MODEL_UNKNOWN'],
    ['x/old', {}, 'AI_MODEL_UNKNOWN'],
    ['x/vectors', {}, 'AI_MODEL_UNKNOWN'],
    ['vectors', {}, 'AI_MODEL_UNKNOWN'],
    ['acme\0fast', {}, 'AI_MODEL_UNKNOWN'],
    ['y/n', { besides: [['IMAGES', 'no']] }, 'BAD_USER_INPUT'],
    ['fast', { besides: [['IMAGES', 'no']] }, 'BAD_USER_INPUT'],
    ['mixed', { capability: 'EMBEDDINGS' }, 'BAD_USER_INPUT'],
  ])('of %s for %j is refused with %s', (name, part, code) => {
    expect(() => namesOf(name, part)).toThrow(expect.objectContaining({ extensions: { code } }));
  });

  it('leaves out what the plans do not permit, and says nothing else of it', () => {
    const requireModel = (id: string): void => {
      if (!id.startsWith('x/')) throw new GraphQLError('no', { extensions: { code: 'MODEL_NOT_APPROVED' } });
    };
    expect(namesOf('fast', { requireModel })).toEqual(X_KEYS.map((key) => `x/m ${key}`));
    for (const name of ['y/n', 'y/none', 'fast'])
      expect(() => namesOf(name, { requireModel, tenant: 'acme' })).toThrow(
        expect.objectContaining({ extensions: { code: 'MODEL_NOT_APPROVED' } }),
      );
  });

  it('shows a tenant its own aliases and those for all, each once', () => {
    const told = (tenant: string | null) =>
      routes.aliases(tenant).map(({ name, models }) => [name, ...models.map(({ id }) => id)]);
    expect(told('acme')[0]).toEqual(['fast', 'portcullis/offline']);
    expect(told('globex')[0]).toEqual(['fast', 'y/n', 'x/m']);
    expect(told(null).map(([name]) => name)).toEqual(['fast', 'seeing', 'vectors', 'mixed', 'gone']);
  });
});

describe('the configuration of routes', () => {
  it.each([
    ['a model that is not there', [{ name: 'a', targets: [{ model: 'x/none' }] }]],
    ['a name that looks like a model', [{ name: 'x/m', targets: [{ model: 'x/m' }] }]],
    ['no target', [{ name: 'a', targets: [] }]],
    ['a negative weight', [{ name: 'a', targets: [{ model: 'x/m', weight: -1 }] }]],
    ['the same name twice', [ALIASES[0], ALIASES[0]]],
    ['an unknown setting', [{ ...ALIASES[0], retries: 3 }]],
  ])('refuses %s', (_, aliases) => {
    expect(() => parseAliases(aliases, MODELS)).toThrow();
  });

  it.each([
    ['no attempt', { attemptsMax: 0 }],
    ['more attempts than the bound', { attemptsMax: 11 }],
    ['an unknown setting', { timeout: 1 }],
  ])('refuses %s', (_, routing) => {
    expect(() => parseRouting(routing)).toThrow();
  });
});
