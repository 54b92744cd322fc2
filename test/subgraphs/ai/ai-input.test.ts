import { describe, expect, it } from 'vitest';
import {
  BOUNDS,
  type ChatInput,
  type ChatMessage,
  checkAnalyzeText,
  checkChatInput,
  checkEmbedInput,
  checkFirst,
} from '../../../subgraphs/ai/ai-input.ts';

const user = (content: string): ChatMessage => ({ role: 'USER', content });
const chat = (changes: Partial<ChatInput>): ChatInput => ({
  model: 'portcullis/offline',
  messages: [user('hello')],
  maxOutputTokens: 10,
  ...changes,
});
const repeat = <T>(value: T, times: number): T[] => Array.from({ length: times }, () => value);
const REFUSED = expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } });

describe('checkChatInput', () => {
  it.each<[string, Partial<ChatInput>]>([
    ['as many messages as the bound', { messages: repeat(user('a'), BOUNDS.messagesMax) }],
    ['a message as long as the bound', { messages: [user('a'.repeat(BOUNDS.messageCharactersMax))] }],
    [
      'a conversation as long as the bound',
      { messages: repeat(user('a'.repeat(BOUNDS.messageCharactersMax)), 3) },
    ],
    ['the smallest output', { maxOutputTokens: 1 }],
    ['the largest output', { maxOutputTokens: BOUNDS.outputTokensMax }],
    ['the lowest temperature', { temperature: 0 }],
    ['the highest temperature', { temperature: BOUNDS.temperatureMax }],
    ['no temperature', { temperature: null }],
    ['instructions before all others', { messages: [{ role: 'SYSTEM', content: 'a' }, user('b')] }],
  ])('takes %s', (_case, changes) => {
    expect(() => checkChatInput(chat(changes))).not.toThrow();
  });

  it.each<[string, Partial<ChatInput>]>([
    ['no messages', { messages: [] }],
    ['more messages than the bound', { messages: repeat(user('a'), BOUNDS.messagesMax + 1) }],
    ['an empty message', { messages: [user(' \n')] }],
    ['a message longer than the bound', { messages: [user('a'.repeat(BOUNDS.messageCharactersMax + 1))] }],
    [
      'a conversation longer than the bound',
      { messages: [...repeat(user('a'.repeat(BOUNDS.messageCharactersMax)), 3), user('a')] },
    ],
    ['no output', { maxOutputTokens: 0 }],
    ['a negative output', { maxOutputTokens: -1 }],
    ['more output than the bound', { maxOutputTokens: BOUNDS.outputTokensMax + 1 }],
    ['a temperature below zero', { temperature: -0.1 }],
    ['a temperature above the bound', { temperature: BOUNDS.temperatureMax + 0.1 }],
    ['a temperature that is no number', { temperature: Number.NaN }],
    ['instructions after a message', { messages: [user('a'), { role: 'SYSTEM', content: 'b' }, user('c')] }],
    [
      'a conversation that the assistant ends',
      { messages: [user('a'), { role: 'ASSISTANT', content: 'b' }] },
    ],
    ['instructions alone', { messages: [{ role: 'SYSTEM', content: 'a' }] }],
    [
      'a result for a call whose id is longer than the bound',
      { messages: [{ role: 'TOOL', content: 'a', toolCallId: 'a'.repeat(BOUNDS.toolIdCharactersMax + 1) }] },
    ],
    ['a result for a call without an id', { messages: [{ role: 'TOOL', content: 'a', toolCallId: '' }] }],
  ])('refuses %s', (_case, changes) => {
    expect(() => checkChatInput(chat(changes))).toThrow(REFUSED);
  });

  it('does not repeat what came in', () => {
    const secret = 'secret';
    try {
      checkChatInput(chat({ messages: [user(secret.repeat(BOUNDS.messageCharactersMax))] }));
      expect.unreachable('the input is refused');
    } catch (error) {
      expect(String(error)).not.toContain(secret);
    }
  });
});

describe('checkEmbedInput', () => {
  const embed = (texts: string[]) => checkEmbedInput({ model: 'portcullis/offline-embedding', texts });

  it('takes texts at the bounds', () => {
    expect(() => embed(repeat('a', BOUNDS.embedTextsMax))).not.toThrow();
    expect(() => embed(['a'.repeat(BOUNDS.embedTextCharactersMax)])).not.toThrow();
    expect(() => embed(repeat('a'.repeat(BOUNDS.embedCharactersMax / 50), 50))).not.toThrow();
  });

  it.each([
    ['no texts', []],
    ['more texts than the bound', repeat('a', BOUNDS.embedTextsMax + 1)],
    ['an empty text', ['a', '']],
    ['a text longer than the bound', ['a'.repeat(BOUNDS.embedTextCharactersMax + 1)]],
    ['more characters than the bound', [...repeat('a'.repeat(BOUNDS.embedCharactersMax / 50), 50), 'a']],
  ])('refuses %s', (_case, texts) => {
    expect(() => embed(texts)).toThrow(REFUSED);
  });
});

describe('checkAnalyzeText', () => {
  it('holds a text to its bound on both sides', () => {
    expect(() => checkAnalyzeText('a'.repeat(BOUNDS.analyzeCharactersMax))).not.toThrow();
    expect(() => checkAnalyzeText('a'.repeat(BOUNDS.analyzeCharactersMax + 1))).toThrow(REFUSED);
    expect(() => checkAnalyzeText('')).toThrow(REFUSED);
  });
});

describe('checkFirst', () => {
  it('holds a list size to its bounds on both sides', () => {
    for (const first of [0, BOUNDS.listItemsMax]) expect(() => checkFirst(first)).not.toThrow();
    for (const first of [-1, BOUNDS.listItemsMax + 1]) expect(() => checkFirst(first)).toThrow(REFUSED);
  });
});
