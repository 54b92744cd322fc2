import { describe, expect, it } from 'vitest';
import { publishedEvent } from '../../../src/audit/published-event.ts';
import { auditEvent } from '../../../src/audit/recorder.ts';
import { modelsIn } from '../../../src/execution/native/models-in.ts';
import { PARTS } from '../../audit/fixtures.ts';

const FETCH = { subgraph: 'ai', durationUs: 1, status: 200, errors: 0, planned: 0 };
const GOOD = { model: 'house/m', provider: 'house', outcome: 'RATE_LIMITED', status: 429, durationMs: 7 };
const answer = (extensions: unknown) => ({
  kind: 'answer' as const,
  status: 200,
  body: { data: {}, extensions },
});

describe('what a subgraph says of models', () => {
  it('is read as it is, and nothing besides', () => {
    const told = [GOOD, { ...GOOD, outcome: 'ANSWERED', status: null, prompt: 'secret' }];
    expect(modelsIn(answer({ models: told, more: 1 }))).toEqual({
      models: [GOOD, { ...GOOD, outcome: 'ANSWERED', status: null }],
      modelsTruncated: 0,
    });
  });

  it.each([undefined, null, 'models', 7, [], { models: null }, { models: [] }, { models: { 0: GOOD } }])(
    'is nothing where it says %j',
    (extensions) => expect(modelsIn(answer(extensions))).toBeNull(),
  );

  it('is nothing where there is no answer', () => {
    const failure = { kind: 'failure', status: 0, code: 'SUBGRAPH_TIMEOUT', cause: null } as const;
    expect(modelsIn(failure)).toBeNull();
  });

  it.each([
    ['is no object', 'house/m'],
    ['has another outcome', { ...GOOD, outcome: 'HACKED' }],
    ['has the name of an object member', { ...GOOD, outcome: 'constructor' }],
    ['has no model', { ...GOOD, model: '' }],
    ['has a name that is too long', { ...GOOD, model: 'x'.repeat(257) }],
    ['has a provider that is no text', { ...GOOD, provider: { toString: 1 } }],
    ['has a status that is none', { ...GOOD, status: 1000 }],
    ['has a time that is none', { ...GOOD, durationMs: -1 }],
    ['has a time without end', { ...GOOD, durationMs: 1e300 }],
  ])('is left out and counted where it %s', (_, bad) => {
    expect(modelsIn(answer({ models: [bad, GOOD] }))).toEqual({ models: [GOOD], modelsTruncated: 1 });
  });

  it('is bounded, and what is beyond is counted, up to the published event', () => {
    const report = modelsIn(answer({ models: Array.from({ length: 10_000 }, () => GOOD) }));
    expect(report).toMatchObject({ modelsTruncated: 9936 });
    const event = auditEvent({ ...PARTS, fetches: [{ ...FETCH, ...report }, FETCH] });
    expect(event.fetches.map(({ models }) => models?.length)).toEqual([64, undefined]);
    expect(publishedEvent(event).fetches).toMatchObject([
      { modelsTruncated: 9936 },
      { models: [], modelsTruncated: 0 },
    ]);
  });
});
