import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningFixture, sendJson, startFixture } from './kit/subgraph-fixture.ts';
import { startTwoEngines, type TwoEngines } from './kit/two-engines.ts';

const ATTEMPT = { model: 'house/m', provider: 'house', outcome: 'ANSWERED', status: null, durationMs: 7 };
const FOUND = { guardrail: 'pii', kind: 'EMAIL', direction: 'input', action: 'mask', count: 2 };
const TOLD = {
  models: [ATTEMPT, { ...ATTEMPT, outcome: 'EVIL' }],
  guardrails: [FOUND, { ...FOUND, kind: '<b>' }],
};
const ENGINES = ['native', 'apollo'] as const;

describe('what a subgraph says of its models and guardrails', () => {
  let models: RunningFixture;
  let believed: TwoEngines;
  let doubted: TwoEngines;

  beforeAll(async () => {
    models = await startFixture({
      name: 'models',
      typeDefs: 'type Query { said: String }',
      resolvers: { Query: { said: () => 'Hello.' } },
    });
    models.fault = async (response, _call, answer) =>
      sendJson(response, { ...(await answer()), extensions: TOLD });
    believed = await startTwoEngines([models], { settings: { modelReports: true } });
    doubted = await startTwoEngines([models]);
  });

  afterAll(async () => {
    await Promise.all([believed.close(), doubted.close()]);
    await models.close();
  });

  it.each(ENGINES)('is in the audit by the %s engine, as far as it has its form', async (engine) => {
    const [fetch] = await believed.fetches(engine, { text: '{ said }' });
    expect(fetch).toMatchObject({ models: [ATTEMPT], modelsTruncated: 1, findings: [FOUND] });
  });

  it.each(ENGINES)('is in nothing where the subgraph is not believed, by the %s engine', async (engine) => {
    const [fetch] = await doubted.fetches(engine, { text: '{ said }' });
    expect(fetch).toMatchObject({ subgraph: 'models' });
    expect([fetch?.models, fetch?.findings]).toEqual([undefined, undefined]);
  });
});
