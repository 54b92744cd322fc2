import { describe, expect, it } from 'vitest';
import { createModelCatalog, stageOf } from '../../../subgraphs/ai/model-catalog.ts';
import { parseProviderConfigs } from '../../../subgraphs/ai/provider-config.ts';
import { reader } from './client-kit.ts';

function modelWith(lifecycle: object | undefined) {
  const models = [{ id: 'm', capabilities: ['CHAT'], ...(lifecycle === undefined ? {} : { lifecycle }) }];
  const configs = parseProviderConfigs([{ name: 'house', provider: 'openai', apiKey: 'k', models }]);
  const model = createModelCatalog(configs, { reader, fetch }).find('house/m');
  return model ?? expect.unreachable('the model is found');
}

describe('the lifecycle of a model', () => {
  it.each([
    ['is stable unless it says otherwise', undefined, '2030-01-01T00:00:00Z', 'STABLE'],
    ['is what it says', { stage: 'PREVIEW' }, '2030-01-01T00:00:00Z', 'PREVIEW'],
    [
      'is what it says until its sunset',
      { stage: 'DEPRECATED', sunset: '2027-01-31' },
      '2027-01-30T23:59:59.999Z',
      'DEPRECATED',
    ],
    [
      'is retired from its sunset on',
      { stage: 'DEPRECATED', sunset: '2027-01-31' },
      '2027-01-31T00:00:00Z',
      'RETIRED',
    ],
  ])('%s', (_, lifecycle, at, stage) => {
    expect(stageOf(modelWith(lifecycle), Date.parse(at))).toBe(stage);
  });
});
