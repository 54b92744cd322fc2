import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProviderFailure } from '../../../subgraphs/ai/ai-error.ts';
import type { ChatInput } from '../../../subgraphs/ai/ai-input.ts';
import type { ChatEvent } from '../../../subgraphs/ai/chat-answer.ts';
import { clientOf } from './client-kit.ts';
import { type ProviderFake, startProviderFake } from './provider-fake.ts';
import { STREAM_SCRIPTS } from './stream-formats.ts';

const SECRETS = ['the secret recipe', 'sk-very-secret-key', 'provider says things'];
const TOOL = { name: 'weather', parameters: '{"type":"object","properties":{"city":{"type":"string"}}}' };
const INPUT: ChatInput = {
  ...{ model: 'house/model-1', maxOutputTokens: 77 },
  messages: [{ role: 'USER', content: 'the secret recipe' }],
};
let fake: ProviderFake;
let failures: ProviderFailure[];

beforeAll(() => {
  globalThis.AI_SDK_LOG_WARNINGS = false;
});
beforeEach(async () => {
  fake = await startProviderFake();
  failures = [];
});
afterEach(() => fake.close());

function stream(kind: string, base: string, part: Partial<ChatInput> = {}, timeoutMs = 10_000) {
  const models = [{ id: 'model-1', capabilities: ['CHAT'] }];
  const house = { kind, apiKey: 'sk-very-secret-key', baseURL: fake.url + base, models };
  const client = clientOf(house, { timeoutMs, failures });
  return client.chatStream({ ...INPUT, ...part });
}

async function all(events: Promise<AsyncIterable<ChatEvent>>): Promise<ChatEvent[]> {
  const told: ChatEvent[] = [];
  for await (const event of await events) told.push(event);
  return told;
}

const text = (events: readonly ChatEvent[]) => events.map((event) => event.text ?? '').join('');

describe.each(STREAM_SCRIPTS)('a stream of $kind', ({ kind, base, ...script }) => {
  it('is told piece by piece, and ends with its reason and usage', async () => {
    fake.answer = () => ({ frames: script.text, after: 'end' });
    const events = await all(stream(kind, base));
    expect(text(events)).toBe('Hello world');
    expect(events.at(-1)).toMatchObject({
      finishReason: 'STOP',
      usage: { inputTokens: 11, outputTokens: 7, totalTokens: 18, estimated: false },
    });
    expect(failures).toEqual([]);
    if (kind === 'openai' || kind === 'openai-compatible')
      expect(fake.requests[0]?.body['stream_options']).toEqual({ include_usage: true });
  });

  it('asks for a tool', async () => {
    fake.answer = () => ({ frames: script.toolCall, after: 'end' });
    const events = await all(stream(kind, base, { tools: [TOOL] }));
    const [call] = events.flatMap(({ toolCall }) => toolCall ?? []);
    expect([call?.name, JSON.parse(call?.arguments ?? '')]).toEqual(['weather', { city: 'Oslo' }]);
    expect(events.at(-1)?.finishReason).toBe('TOOL_CALLS');
    expect(JSON.stringify(fake.requests[0]?.body)).toContain('"weather"');
  });

  it.each([
    ['tells an error', 'end'],
    ['is cut', 'cut'],
  ] as const)('that breaks off, since the provider %s, says so and nothing secret', async (_, after) => {
    const frames = after === 'end' ? script.broken : script.text.slice(0, -2).slice(0, 2);
    fake.answer = () => ({ frames, after });
    const events = await all(stream(kind, base));
    expect(events.at(-1)?.failure).toEqual({
      ...{ code: 'AI_PROVIDER_ERROR', retryable: expect.any(Boolean), retryAfterSeconds: null },
    });
    expect(failures).toHaveLength(1);
    for (const secret of SECRETS) expect(JSON.stringify([events, failures])).not.toContain(secret);
  });

  it.each([
    [429, 'AI_PROVIDER_RATE_LIMITED', true],
    [503, 'AI_PROVIDER_ERROR', true],
    [400, 'AI_PROVIDER_ERROR', false],
  ] as const)('that is refused with %i fails at once', async (status, code, retryable) => {
    const headers = { 'retry-after': '17' };
    fake.answer = () => ({ status, headers, body: { error: { message: 'provider says things' } } });
    const retryAfterSeconds = status === 400 ? null : 17;
    expect(await all(stream(kind, base))).toMatchObject([
      { finishReason: 'ERROR', failure: { code, retryable, retryAfterSeconds } },
    ]);
    expect(fake.requests).toHaveLength(1);
  });

  it('that stays silent ends in its time', async () => {
    fake.answer = () => 'silence';
    const events = await all(stream(kind, base, {}, 150));
    expect(events).toMatchObject([
      { finishReason: 'ERROR', failure: { code: 'AI_TIMEOUT', retryable: true, retryAfterSeconds: null } },
    ]);
  });

  it('that nobody listens to any more ends at the provider too', async () => {
    fake.answer = () => ({ frames: script.text.slice(0, -1), after: 'silence' });
    const events = await stream(kind, base);
    await events.next();
    const waiting = events.next();
    await events.return?.();
    await vi.waitFor(() => expect(fake.left).toHaveLength(1), { timeout: 2000 });
    await waiting;
    expect(failures).toEqual([]);
  });
});

describe('an answer by a schema', () => {
  it('is asked of the provider as one', async () => {
    const [openAi] = STREAM_SCRIPTS;
    fake.answer = () => ({ frames: openAi?.text ?? [], after: 'end' });
    await all(
      stream('openai', '/v1', { responseSchema: '{"type":"object","properties":{"a":{"type":"number"}}}' }),
    );
    expect(fake.requests[0]?.body['response_format']).toMatchObject({
      type: 'json_schema',
      json_schema: { schema: { properties: { a: { type: 'number' } } } },
    });
  });
});
