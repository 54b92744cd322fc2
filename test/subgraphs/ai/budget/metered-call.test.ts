import { describe, expect, it, vi } from 'vitest';
import { meteredCall, meteredParts } from '../../../../subgraphs/ai/budget/metered-call.ts';
import { openParts } from '../../../../subgraphs/ai/routing/open-parts.ts';
import { countForModel, readUsage } from '../../../../subgraphs/ai/token-usage.ts';
import { reader } from '../client-kit.ts';
import { callerWith, ledgerOf } from './budget-kit.ts';

const TOKENS = { input: 100, output: 5000 };

async function charged() {
  const { ledger, memory } = ledgerOf();
  const model = { id: 'house/model-1', offline: false };
  const caller = callerWith([{}]);
  const charge = await ledger.reserve({ caller, field: 'Mutation.chat', model, tokens: TOKENS });
  return { charge, memory, settlement: () => memory.settled[0]?.settlement };
}

const metering = (charge: Awaited<ReturnType<typeof charged>>['charge'], abortSignal: AbortSignal) => ({
  ...{ charge, abortSignal, countTokens: (text: string) => countForModel(reader, text) },
});

async function* parts(...texts: readonly string[]) {
  for (const text of texts) yield { text };
}

describe('a call whose time was over before it was made', () => {
  const over = AbortSignal.abort(new Error('over'));

  it('is not made, and gives back all that was reserved', async () => {
    const { charge, settlement } = await charged();
    const call = vi.fn(async () => ({ usage: { inputTokens: 1, outputTokens: 1, estimated: false } }));
    await expect(meteredCall(charge, over, call)).rejects.toThrow('over');
    expect(call).not.toHaveBeenCalled();
    expect(settlement()).toMatchObject({ settled: { tokens: 0 }, source: 'refunded' });
  });

  it('is not made where it would be told as it comes either', async () => {
    const { charge, settlement } = await charged();
    const asked = vi.fn();
    const asking = async function* () {
      asked();
      yield* parts('never');
    };
    await expect(meteredParts(asking(), metering(charge, over)).next()).rejects.toThrow('over');
    expect(asked).not.toHaveBeenCalled();
    expect(settlement()).toMatchObject({ settled: { tokens: 0 }, source: 'refunded' });
  });
});

describe('an answer that is told as it comes', () => {
  it('settles where it is closed before anybody read of it', async () => {
    const { charge, memory, settlement } = await charged();
    const opened = await openParts(meteredParts(parts('Hello', 'world'), metering(charge, STAYS)));
    await opened.close();
    expect(settlement()).toMatchObject({ settled: { tokens: 102 }, source: 'estimated' });
    expect(memory.openCount).toBe(0);
  });

  it.each([
    ['a script without blanks', '\u6c49\u5b57'.repeat(1000), 1500],
    ['bytes in base64', 'aGVsbG8gd29ybGQh'.repeat(125), 500],
    ['marks', '{"a":1,"b":[2,3]}'.repeat(100), 1300],
  ])('counts %s by no less than its bytes where its reader leaves', async (_, text, least) => {
    const { charge, settlement } = await charged();
    for await (const _part of meteredParts(parts(text, 'more'), metering(charge, STAYS))) break;
    expect(settlement()?.counts.output).toBeGreaterThanOrEqual(least);
    const counted = readUsage(
      { inputTokens: undefined, outputTokens: undefined },
      { input: () => 0, output: () => countForModel(reader, text) },
    );
    expect(counted.outputTokens).toBe(settlement()?.counts.output);
  });
});

const STAYS = new AbortController().signal;
