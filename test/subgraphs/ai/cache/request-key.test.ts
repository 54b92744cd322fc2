import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChatInput } from '../../../../subgraphs/ai/ai-input.ts';
import { exactKey, type KeyedRequest, nearKey } from '../../../../subgraphs/ai/cache/request-key.ts';
import { PNG_1X1 } from '../images.ts';

const INPUT: ChatInput = {
  ...{ model: 'best', maxOutputTokens: 77, temperature: 0.5 },
  messages: [
    { role: 'SYSTEM', content: 'Be brief.' },
    { role: 'USER', content: 'When does the gate open?' },
  ],
};
const REQUEST: KeyedRequest = { tenant: 'acme', model: 'house/m', input: INPUT, policy: null };
const withInput = (part: Partial<ChatInput>): KeyedRequest => ({ ...REQUEST, input: { ...INPUT, ...part } });
const saying = (...contents: readonly string[]) =>
  withInput({ messages: contents.map((content) => ({ role: 'USER', content })) });
const tool = { name: 'x', parameters: '{}' };

/** Each differs from the first, and from each other. */
const OTHERS: readonly (readonly [string, KeyedRequest])[] = [
  ['tenant', { ...REQUEST, tenant: 'initech' }],
  ['model', { ...REQUEST, model: 'house/n' }],
  ['rules', { ...REQUEST, policy: 'v2' }],
  ['message', withInput({ messages: [{ role: 'USER', content: 'When does the gate open?' }] })],
  ['role', withInput({ messages: [{ role: 'ASSISTANT', content: 'When does the gate open?' }] })],
  ['bound', withInput({ maxOutputTokens: 78 })],
  ['temperature', withInput({ temperature: 0 })],
  ['top p', withInput({ topP: 0.5 })],
  ['stop', withInput({ stop: ['a'] })],
  ['stops', withInput({ stop: ['a', 'b'] })],
  ['stop of both', withInput({ stop: ['a,b'] })],
  ['seed', withInput({ seed: 7 })],
  ['tools', withInput({ tools: [tool] })],
  ['choice', withInput({ tools: [tool], toolChoice: 'REQUIRED' })],
  ['tool', withInput({ tools: [tool], toolName: 'x' })],
  ['schema', withInput({ responseSchema: '{}' })],
  ['effort', withInput({ reasoningEffort: 'LOW' })],
  [
    'image',
    withInput({ messages: [{ role: 'USER', content: 'x', images: [{ mediaType: 'PNG', data: PNG_1X1 }] }] }),
  ],
];

describe('the key of an answer', () => {
  it('is another one for whatever differs', () => {
    const keys = [REQUEST, ...OTHERS.map(([, other]) => other)].map(exactKey);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('is the same for what is nothing, in any order, under any name of the model and use of the cache', () => {
    const { messages, ...rest } = INPUT;
    const reordered = { messages, ...rest, seed: null, tools: undefined, model: 'other', cache: 'REFRESH' };
    expect(exactKey({ ...REQUEST, input: reordered as unknown as ChatInput })).toBe(exactKey(REQUEST));
  });

  it('tells apart what strings could be taken for', () => {
    const text = fc.string({ unit: 'binary', maxLength: 12 });
    const request = fc.record({
      tenant: text,
      model: text,
      policy: fc.option(text),
      contents: fc.array(text),
    });
    fc.assert(
      fc.property(request, request, (one, other) => {
        const keyOf = ({ contents, ...part }: typeof one) => exactKey({ ...saying(...contents), ...part });
        expect(keyOf(one) === keyOf(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
      { numRuns: 200 },
    );
  });
});

describe('the key of questions that are nearly the same', () => {
  it('leaves out what the user says last, and nothing else', () => {
    const earlier = [...INPUT.messages.slice(0, -1), { role: 'USER', content: 'Something else.' }] as const;
    expect(nearKey(withInput({ messages: earlier }))).toBe(nearKey(REQUEST));
    const keys = OTHERS.flatMap(([name, other]) =>
      ['tools', 'choice', 'tool', 'image'].includes(name) ? [] : nearKey(other),
    );
    // The role of the last message is the user's, wherever it is not a tool's.
    expect(new Set([nearKey(REQUEST), ...keys]).size).toBe(keys.length);
    expect(nearKey(saying('a', 'b'))).not.toBe(nearKey(saying('c', 'b')));
  });

  it('is none with tools, their results, or images', () => {
    for (const [name, other] of OTHERS)
      expect([name, nearKey(other) === null]).toEqual([
        ...[name, ['tools', 'choice', 'tool', 'image'].includes(name)],
      ]);
    const result = { role: 'TOOL', content: 'sunny', toolCallId: '1' } as const;
    expect(nearKey(withInput({ messages: [...INPUT.messages, result] }))).toBeNull();
  });
});
