import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProviderFailure } from '../../../../subgraphs/ai/ai-error.ts';
import type { ChatInput } from '../../../../subgraphs/ai/ai-input.ts';
import type { ChatEvent } from '../../../../subgraphs/ai/chat-answer.ts';
import { ledgerOf } from '../budget/budget-kit.ts';
import { clientOf } from '../client-kit.ts';
import { BEHAVIOURS, type Behaviour, PROMPT } from './behaviours.ts';
import { type ProviderFake, startProviderFake } from './provider-fake.ts';
import { PROVIDER_TEXT, type WireFormat } from './wire-format.ts';
import { WIRE_FORMATS } from './wire-formats.ts';

const KEY = 'sk-very-secret-key';
const INPUT: ChatInput = {
  ...{ model: 'house/model-1', maxOutputTokens: 77 },
  messages: [{ role: 'USER', content: PROMPT }],
};
let fake: ProviderFake;

beforeAll(() => {
  globalThis.AI_SDK_LOG_WARNINGS = false;
});
beforeEach(async () => {
  fake = await startProviderFake();
});
afterEach(() => fake.close());

/** One chat, told at once or as it comes, and all that is left of it. */
async function asked({ kind, base }: WireFormat, behaviour: Behaviour, streams: boolean) {
  const failures: ProviderFailure[] = [];
  const { ledger, memory } = ledgerOf({ plans: 'optional' });
  const models = [{ id: 'model-1', capabilities: ['CHAT'] }];
  const house = { kind, apiKey: KEY, baseURL: fake.url + base, models };
  const client = clientOf(house, { timeoutMs: behaviour.timeoutMs ?? 15_000, failures, ledger });
  const input = { ...INPUT, ...behaviour.input };
  const told = streams ? await collected(await client.chatStream(input)) : await client.chat(input);
  await vi.waitFor(() => expect(memory.openCount).toBe(0), { timeout: 10_000 });
  await ledger.settled();
  return { told, failures, settlement: memory.settled[0]?.settlement };
}

/** What a stream says, in the form of an answer that came at once. */
async function collected(events: AsyncIterable<ChatEvent>) {
  const told: ChatEvent[] = [];
  for await (const event of events) {
    told.push(event);
    // Only now: what came before a socket is cut may be lost with it.
    fake.cut();
  }
  const { finishReason, usage, failure = null, attempts } = told.at(-1) ?? {};
  return {
    text: told.map((event) => event.text ?? '').join(''),
    toolCalls: told.flatMap(({ toolCall }) => toolCall ?? []),
    ...{ finishReason, failure, attempts },
    ...(usage === undefined ? {} : { usage }),
  };
}

describe.each([
  ['at once', false],
  ['as it comes', true],
] as const)('told %s', (_, streams) => {
  describe.each(BEHAVIOURS)('a provider that $name', (behaviour) => {
    it.each(WIRE_FORMATS)('gives the same by $kind', async (format) => {
      const answer = streams ? (behaviour.streamed ?? behaviour.whole) : behaviour.whole;
      fake.answer = ({ body }) => answer(format, body);
      const { told, failures, settlement } = await asked(format, behaviour, streams);
      const { outcomes, status = null, finish, source, ...result } = behaviour.expected;
      const text = result.failure !== null && streams ? (behaviour.textBefore ?? '') : result.text;
      expect(told).toMatchObject({ ...result, text });
      expect(told.attempts?.at(-1)).toEqual({
        ...{ model: 'house/model-1', provider: 'house', status: told.attempts?.at(-1)?.status },
        ...{ outcome: expect.toBeOneOf([...outcomes]), durationMs: expect.any(Number) },
      });
      if (status !== null) expect(told.attempts?.at(-1)?.status).toBe(status(format));
      expect(settlement).toMatchObject({ finish, source: expect.toBeOneOf([...source]) });
      expect(failures).toHaveLength(result.failure === null ? 0 : 1);
      // Of what has no time, the request may not have gone out at all.
      if (behaviour.timeoutMs === undefined) expect(fake.requests).toHaveLength(1);
      for (const secret of [PROMPT, KEY, PROVIDER_TEXT, '<html'])
        expect(JSON.stringify([told, failures])).not.toContain(secret);
    });
  });
});
