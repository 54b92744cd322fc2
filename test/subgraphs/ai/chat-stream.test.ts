import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProviderFailure } from '../../../subgraphs/ai/ai-error.ts';
import type { ChatInput } from '../../../subgraphs/ai/ai-input.ts';
import { clientOf } from './client-kit.ts';
import { type ProviderFake, startProviderFake } from './fakes/provider-fake.ts';
import type { WireFormat } from './fakes/wire-format.ts';
import { WIRE_FORMATS } from './fakes/wire-formats.ts';

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

function stream({ kind, base }: WireFormat) {
  const models = [{ id: 'model-1', capabilities: ['CHAT'] }];
  const house = { kind, apiKey: 'sk-very-secret-key', baseURL: fake.url + base, models };
  return clientOf(house, { timeoutMs: 10_000, failures }).chatStream(INPUT);
}

describe.each(WIRE_FORMATS)('a stream of $kind', (format) => {
  it('that nobody listens to any more ends at the provider too', async () => {
    fake.answer = () => ({ frames: format.stream.text.slice(0, -1), after: 'silence' });
    const events = await stream(format);
    await events.next();
    const waiting = events.next();
    await events.return?.();
    await vi.waitFor(() => expect(fake.left).toHaveLength(1), { timeout: 10_000 });
    await waiting;
    expect(failures).toEqual([]);
  });

  it('asks for the usage where it does not come by itself', async () => {
    fake.answer = () => ({ frames: format.stream.text, after: 'end' });
    for await (const _event of await stream(format));
    const asked = fake.requests[0]?.body['stream_options'];
    expect(asked).toEqual(format.kind.startsWith('openai') ? { include_usage: true } : undefined);
  });
});

describe('a stream that begins with an error', () => {
  it('ends at the provider too, which does not end it', async () => {
    const error = 'data: {"error":{"message":"busy","type":"server_error","param":null,"code":null}}\n\n';
    fake.answer = () => ({ frames: [error], after: 'silence' });
    const models = [{ id: 'model-1', capabilities: ['CHAT'] }];
    const house = { kind: 'openai', apiKey: 'sk-very-secret-key', baseURL: `${fake.url}/v1`, models };
    const events = [];
    for await (const event of await clientOf(house, { timeoutMs: 600_000, failures }).chatStream(INPUT))
      events.push(event);
    expect(events).toMatchObject([{ finishReason: 'ERROR', failure: { code: 'AI_PROVIDER_ERROR' } }]);
    await vi.waitFor(() => expect(fake.left).toHaveLength(1), { timeout: 10_000 });
  });
});
