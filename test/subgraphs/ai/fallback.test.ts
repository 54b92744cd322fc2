import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProviderFailure } from '../../../subgraphs/ai/ai-error.ts';
import type { ChatInput } from '../../../subgraphs/ai/ai-input.ts';
import type { ChatEvent } from '../../../subgraphs/ai/chat-answer.ts';
import { clientWith } from './client-kit.ts';
import { ANTHROPIC } from './fakes/anthropic-wire.ts';
import { OPENAI } from './fakes/openai-wire.ts';
import { type ProviderFake, startProviderFake } from './fakes/provider-fake.ts';

const PROMPT = 'the secret recipe';
const INPUT: ChatInput = {
  ...{ model: 'best', maxOutputTokens: 77, messages: [{ role: 'USER', content: PROMPT }] },
};
let first: ProviderFake;
let second: ProviderFake;
let failures: ProviderFailure[];

beforeEach(async () => {
  [first, second] = await Promise.all([startProviderFake(), startProviderFake()]);
  failures = [];
  first.answer = () => ({ status: 200, body: OPENAI.chat('One.') });
  second.answer = () => ({ status: 200, body: ANTHROPIC.chat('Two.') });
});
afterEach(() => Promise.all([first.close(), second.close()]));

/** The second attempt is the last, and has all the time that is left. */
const BRIEF = { attemptTimeoutMs: 150, attemptsMax: 2 };
const isSilent = (answer: unknown): boolean => JSON.stringify(answer).includes('silence');

function client(routing: object = {}, timeoutMs = 15_000) {
  const models = [{ id: 'm', capabilities: ['CHAT'] }];
  const apiKeys = ['a', 'b'].map((name, priority) => ({ name, apiKey: `sk-${name}`, priority }));
  return clientWith(
    [
      { name: 'one', provider: 'openai', apiKeys, baseURL: first.url + OPENAI.base, models },
      { name: 'two', provider: 'anthropic', apiKey: 'sk-c', baseURL: second.url + ANTHROPIC.base, models },
    ],
    {
      ...{ timeoutMs, failures, routing: { backoffMs: 1, ...routing } },
      aliases: [{ name: 'best', targets: [{ model: 'one/m' }, { model: 'two/m', weight: 0 }] }],
    },
  );
}

async function all(events: Promise<AsyncIterable<ChatEvent>>): Promise<ChatEvent[]> {
  const told: ChatEvent[] = [];
  for await (const event of await events) told.push(event);
  return told;
}
const text = (events: readonly ChatEvent[]) => events.map((event) => event.text ?? '').join('');
const keysOf = (fake: ProviderFake) => fake.requests.map(({ headers }) => headers.authorization);

describe('a chat by an alias', () => {
  it('is answered by the first of its models while that is well', async () => {
    expect(await client().chat(INPUT)).toMatchObject({ text: 'One.', model: { id: 'one/m' } });
    expect(second.requests).toEqual([]);
  });

  it.each([
    ['is limited', { status: 429, body: {}, headers: { 'retry-after': '60' } }, 'RATE_LIMITED'],
    ['fails', { status: 500, body: {} }, 'PROVIDER_ERROR'],
    ['is overloaded', { status: 529, body: {} }, 'OVERLOADED'],
    ['answers garbage', { status: 200, body: { choices: 7 } }, 'MALFORMED'],
    ['is silent', 'silence', 'TIMEOUT'],
  ] as const)('goes to another where the first %s, and says so', async (_, answer, outcome) => {
    first.answer = () => answer;
    const result = await client(isSilent(answer) ? BRIEF : {}).chat(INPUT);
    expect(result).toMatchObject({
      text: 'Two.',
      model: { id: 'two/m' },
      finishReason: 'STOP',
      failure: null,
    });
    expect(result.attempts.at(-1)).toMatchObject({ provider: 'two', outcome: 'ANSWERED', status: null });
    expect(result.attempts[0]).toMatchObject({ model: 'one/m', provider: 'one', outcome });
    expect(failures[0]).toMatchObject({ model: 'one/m', key: 'a', outcome });
    expect(JSON.stringify([result, failures])).not.toMatch(/secret|sk-/u);
  });

  it('goes to another where the first cannot be reached', async () => {
    const asking = client();
    await first.close();
    const { text: said, attempts } = await asking.chat(INPUT);
    expect([said, attempts[0]?.outcome]).toEqual(['Two.', 'UNREACHABLE']);
  });

  it('is refused where the provider refuses the request, and nobody else is asked', async () => {
    first.answer = () => ({ status: 400, body: OPENAI.error(400, 'no') });
    const { failure, attempts } = await client().chat(INPUT);
    expect(failure).toEqual({ code: 'AI_PROVIDER_ERROR', retryable: false, retryAfterSeconds: null });
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['REQUEST_REFUSED']);
    expect([first.requests.length, second.requests.length]).toEqual([1, 0]);
  });

  it('is filtered where a filter holds the prompt back', async () => {
    first.answer = () => ({
      status: 400,
      body: {
        error: { message: PROMPT, type: 'invalid_request_error', param: null, code: 'content_filter' },
      },
    });
    const result = await client().chat(INPUT);
    expect(result).toMatchObject({ text: '', finishReason: 'CONTENT_FILTER', failure: null });
    expect(second.requests).toEqual([]);
  });

  it('uses the next key of the same provider where one is refused, and not that one again', async () => {
    first.answer = ({ headers }) =>
      headers.authorization === 'Bearer sk-a'
        ? { status: 401, body: {} }
        : { status: 200, body: OPENAI.chat('One.') };
    const asking = client();
    expect((await asking.chat(INPUT)).text).toBe('One.');
    expect((await asking.chat(INPUT)).text).toBe('One.');
    expect(keysOf(first)).toEqual(['Bearer sk-a', 'Bearer sk-b', 'Bearer sk-b']);
    expect(second.requests).toEqual([]);
  });

  it('is asked no longer than its deadline, however many could still be asked', async () => {
    first.answer = () => 'silence';
    second.answer = () => 'silence';
    const began = performance.now();
    const { failure } = await client(BRIEF, 500).chat(INPUT);
    expect(failure?.code).toBe('AI_TIMEOUT');
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

describe('a stream by an alias', () => {
  beforeEach(() => {
    second.answer = () => ({ frames: ANTHROPIC.stream.text, after: 'end' });
  });

  it.each([
    ['fails at once', { status: 503, body: {} }],
    ['is silent', 'silence'],
    ['ends before it has said anything', { frames: [], after: 'cut' }],
    ['says that it begins and no more', { frames: OPENAI.stream.text.slice(0, 1), after: 'silence' }],
    ['breaks off before a text', { frames: OPENAI.stream.broken.slice(-1), after: 'end' }],
  ] as const)('goes to another where the first %s', async (_, answer) => {
    first.answer = () => answer;
    const events = await all(client(isSilent(answer) ? BRIEF : {}).chatStream(INPUT));
    expect(text(events)).toBe('Hello world');
    const end = events.at(-1);
    expect(end).toMatchObject({ finishReason: 'STOP' });
    expect(end?.attempts?.map(({ provider }) => provider)).toEqual(['one', 'two']);
  });

  it.each(['end', 'held'] as const)('goes nowhere once it has said something (%s)', async (after) => {
    const { broken, text: whole } = OPENAI.stream;
    first.answer = () => ({ frames: after === 'end' ? broken : whole.slice(0, 2), after });
    const events: ChatEvent[] = [];
    for await (const event of await client().chatStream(INPUT)) {
      events.push(event);
      // Only now: what came before a socket is cut may be lost with it.
      first.cut();
    }
    expect(text(events)).toBe('Hello');
    expect(events.at(-1)).toMatchObject({
      ...{ finishReason: 'ERROR', failure: { code: 'AI_PROVIDER_ERROR' } },
      attempts: [{ outcome: 'ANSWERED' }, { provider: 'one' }],
    });
    expect(second.requests).toEqual([]);
  });

  it('may be left before anybody has answered, and nobody else is asked', async () => {
    first.answer = () => 'silence';
    const events = await client().chatStream(INPUT);
    const waiting = events.next();
    await vi.waitFor(() => expect(first.requests).toHaveLength(1));
    await events.return?.();
    await waiting;
    expect(second.requests).toEqual([]);
    expect(failures).toEqual([]);
  });
});

it('texts are embedded by another key of the same model, and by no other model', async () => {
  first.answer = ({ headers }) =>
    headers.authorization === 'Bearer sk-a'
      ? { status: 429, body: {}, headers: { 'retry-after': '60' } }
      : { status: 200, body: OPENAI.embed([[1, 0]]) };
  const apiKeys = ['a', 'b'].map((name, priority) => ({ name, apiKey: `sk-${name}`, priority }));
  const models = [{ id: 'e', capabilities: ['EMBEDDINGS'] }];
  const asking = clientWith(
    [{ name: 'one', provider: 'openai', apiKeys, baseURL: first.url + OPENAI.base, models }],
    { timeoutMs: 5000, failures, routing: {} },
  );
  expect((await asking.embed({ model: 'one/e', texts: ['x'] })).embeddings).toHaveLength(1);
  expect(keysOf(first)).toEqual(['Bearer sk-a', 'Bearer sk-b']);
});
