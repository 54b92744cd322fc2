import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChat } from '../../../src/listener/openai/chat-request.ts';
import { isPlainChat } from '../../../src/listener/openai/plain-chat.ts';

const MESSAGES = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hello' },
];

/** Values that a field may have, and some that it may not. */
const values = fc.oneof(
  fc.constantFrom<unknown>(
    '',
    'm',
    'x'.repeat(256),
    'x'.repeat(257),
    0,
    1,
    -1,
    0.5,
    2 ** 53,
    Number.POSITIVE_INFINITY,
  ),
  fc.constantFrom<unknown>(null, true, false, [], {}, ['a'], { include_usage: true }),
);
const messages = fc.array(
  fc.oneof(
    fc.record({
      role: fc.constantFrom('system', 'developer', 'user', 'assistant', 'tool', 'nobody', 7),
      content: fc.oneof(fc.string(), fc.constantFrom(null, 7, [{ type: 'text', text: 'a' }])),
    }),
    fc.constantFrom(
      { role: 'user' },
      { content: 'a' },
      { role: 'user', content: 'a', name: 'b' },
      'a',
      null,
      [],
    ),
  ),
  { maxLength: 3 },
);
const bodies = fc.record(
  {
    ...{ model: fc.oneof(fc.constant('m'), values), messages: fc.oneof(messages, values) },
    ...{
      stream: values,
      max_tokens: values,
      max_completion_tokens: values,
      temperature: values,
      top_p: values,
    },
    ...{ seed: values, stop: values, tools: values, nonsense: values },
  },
  { requiredKeys: [] },
);

describe('a plain chat', () => {
  it('is read as the schema of all chats reads it', () => {
    fc.assert(
      fc.property(bodies, fc.constantFrom(undefined, 'no-store'), (body, cacheControl) => {
        // What changes nothing but that it is not plain any more.
        const judged = parseChat({ ...body, metadata: {} }, cacheControl);
        expect(parseChat(body, cacheControl)).toEqual(judged);
        if (isPlainChat(body)) expect(judged).toHaveProperty('params');
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['texts', {}],
    ['bounds and numbers', { max_tokens: 1, temperature: 0.5, top_p: 1, seed: -7, stream: true }],
  ])('is one of %s', (_, more) => {
    expect(isPlainChat({ model: 'm', messages: MESSAGES, ...more })).toBe(true);
  });

  it.each([
    ['no object', null],
    ['a list', [MESSAGES]],
    ['no model', { messages: MESSAGES }],
    ['no messages', { model: 'm', messages: [] }],
    ['more messages than are taken', { model: 'm', messages: Array(1001).fill(MESSAGES[1]) }],
    ['an unknown field', { model: 'm', messages: MESSAGES, nonsense: 1 }],
    ['a field of the prototype', JSON.parse('{"model":"m","messages":[],"__proto__":{"messages":[]}}')],
    ['a message with a further field', { model: 'm', messages: [{ ...MESSAGES[1], refusal: 'no' }] }],
    ['a message that inherits', { model: 'm', messages: [Object.create({ ...MESSAGES[1] })] }],
    ['a bound of nothing', { model: 'm', messages: MESSAGES, max_tokens: 0 }],
    ['a number that is none', { model: 'm', messages: MESSAGES, temperature: Number.NaN }],
  ])('is not one with %s', (_, body) => {
    expect(isPlainChat(body)).toBe(false);
  });
});
