import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProviderFailure } from '../../../../subgraphs/ai/ai-error.ts';
import type { ChatInput } from '../../../../subgraphs/ai/ai-input.ts';
import type { UsageRecord } from '../../../../subgraphs/ai/budget/usage-record.ts';
import { clientOf } from '../client-kit.ts';
import { OPENAI_COMPATIBLE as wire } from '../fakes/openai-wire.ts';
import { type ProviderFake, startProviderFake } from '../fakes/provider-fake.ts';
import { callerWith, ledgerOf } from './budget-kit.ts';

const CALLERS = 200;
const SPEND = 10_000;
const INPUT: ChatInput = {
  ...{ model: 'house/model-1', maxOutputTokens: 20 },
  messages: [{ role: 'USER', content: 'When does the gate open?' }],
};
let fake: ProviderFake;

beforeAll(async () => {
  globalThis.AI_SDK_LOG_WARNINGS = false;
  fake = await startProviderFake();
});
afterAll(() => fake.close());

function callersOn(plan: { readonly spend: { readonly microUsd: number; readonly per: 'day' } }) {
  const metered = ledgerOf({ inputBytesPerToken: 1 });
  const failures: ProviderFailure[] = [];
  const models = [{ id: 'model-1', capabilities: ['CHAT'] }];
  const house = { kind: 'openai-compatible', apiKey: 'k', baseURL: `${fake.url}/v1`, models };
  const options = { timeoutMs: 20_000, failures, ledger: metered.ledger, caller: callerWith([plan]) };
  return { ...metered, client: clientOf(house, options) };
}

const sum = (records: readonly UsageRecord[], of: (record: UsageRecord) => number | undefined) =>
  records.reduce((total, record) => total + (of(record) ?? Number.NaN), 0);

/** Money that was reserved and did not settle: what came back. */
const refunded = ({ reserved, settlement }: UsageRecord) =>
  reserved.microUsd - (settlement?.settled.microUsd ?? 0);

describe(`${CALLERS} callers at once on one budget`, () => {
  it('never have more reserved and settled than it has, at any time, and use what comes back', async () => {
    const { client, ledger, memory } = callersOn({ spend: { microUsd: SPEND, per: 'day' } });
    let most = 0;
    fake.answer = () => {
      most = Math.max(most, memory.usedOf(KEY));
      return { status: 200, body: wire.chat('At nine.') };
    };
    const answers = await Promise.allSettled(Array.from({ length: CALLERS }, () => client.chat(INPUT)));
    await ledger.settled();
    const refusals = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
    expect(refusals.every(({ extensions }) => extensions.code === 'BUDGET_EXHAUSTED')).toBe(true);
    expect(refusals.length).toBeGreaterThan(0);
    expect(memory.settled).toHaveLength(CALLERS - refusals.length);
    expect(most).toBeLessThanOrEqual(SPEND);
    // Nothing but what was settled stays taken: 11 tokens in at one micro-dollar, 7 out at four.
    expect(memory.usedOf(KEY)).toBe((CALLERS - refusals.length) * (11 + 7 * 4));
    expect(sum(memory.settled, ({ reserved }) => reserved.microUsd)).toBe(
      sum(memory.settled, ({ settlement }) => settlement?.settled.microUsd) + sum(memory.settled, refunded),
    );
    // What was given back is there for the next.
    await client.chat(INPUT);
  });

  it('of whom half leave have reserved what was settled and what came back, to the micro-dollar', async () => {
    const { client, ledger, memory } = callersOn({ spend: { microUsd: 1_000_000, per: 'day' } });
    fake.answer = () => ({ frames: wire.stream.text.slice(0, 2), after: 'silence' });
    const leave = async (before: number): Promise<void> => {
      const events = await client.chatStream(INPUT);
      for (let read = 0; read < before; read += 1) await events.next();
      await events.return?.();
    };
    const half = Array.from({ length: CALLERS / 2 }, (_, index) => leave(index % 2));
    fake.answer = ({ body }) =>
      body['stream'] === true
        ? { frames: wire.stream.text.slice(0, 2), after: 'silence' }
        : { status: 200, body: wire.chat('At nine.') };
    await Promise.all([...half, ...Array.from({ length: CALLERS / 2 }, () => client.chat(INPUT))]);
    await ledger.settled();

    expect(memory.openCount).toBe(0);
    expect(memory.settled).toHaveLength(CALLERS);
    expect(memory.settled.every((record) => refunded(record) >= 0)).toBe(true);
    const reserved = sum(memory.settled, (record) => record.reserved.microUsd);
    const settled = sum(memory.settled, ({ settlement }) => settlement?.settled.microUsd);
    expect(reserved).toBe(settled + sum(memory.settled, refunded));
    expect(memory.usedOf(KEY)).toBe(settled);
    const bySource = Map.groupBy(memory.settled, ({ settlement }) => settlement?.source);
    expect(bySource.get('provider')).toHaveLength(CALLERS / 2);
    // Who left before anything was asked for pays nothing; who had read a part pays for it.
    expect(bySource.get('refunded')).toHaveLength(CALLERS / 4);
    expect(bySource.get('estimated')).toHaveLength(CALLERS / 4);
    expect(sum(bySource.get('refunded') ?? [], ({ settlement }) => settlement?.settled.microUsd)).toBe(0);
  });
});

const KEY = '["subscription","sub_0","microUsd","2026-11-24"]';
