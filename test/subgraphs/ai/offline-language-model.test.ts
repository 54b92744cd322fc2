import { generateText, jsonSchema, streamText, type ToolSet, tool } from 'ai';
import { beforeAll, describe, expect, it } from 'vitest';
import { createOfflineLanguageModel } from '../../../subgraphs/ai/offline-language-model.ts';
import { createTextReader } from '../../../subgraphs/ai/text-reader.ts';
import { cpuMsOf } from '../../cpu-time.ts';
import { STORY } from './story.ts';

const model = createOfflineLanguageModel(createTextReader());
const ask = async (prompt: string): Promise<string> =>
  (await generateText({ model, prompt, maxRetries: 0 })).text;

beforeAll(() => {
  globalThis.AI_SDK_LOG_WARNINGS = false;
});

describe('the offline language model', () => {
  it('answers a task named by the prefix of the last message', async () => {
    expect(STORY).toContain((await ask(`Summarize: ${STORY}`)).slice(0, 40));
    expect((await ask(`Summarize: ${STORY}`)).length).toBeLessThan(STORY.length / 2);
    expect(await ask('sentiment: I love it, it is wonderful.')).toMatch(/^positive \(0\.\d\d\)$/u);
    expect(await ask('sentiment: This is terrible.')).toMatch(/^negative \(-0\.\d\d\)$/u);
    expect(await ask('sentiment: The box is on the table.')).toBe('neutral (0.00)');
    expect(await ask(`keywords: ${STORY}`)).toMatch(/^battery, phone/u);
    expect(await ask(`entities: ${STORY}`)).toContain('$200 (MONEY)');
  });

  it('calls the tool that a message asks for, and only one that it was given', async () => {
    const tools: ToolSet = { weather: tool({ inputSchema: jsonSchema({ type: 'object' }) }) };
    const callsOf = async (prompt: string) =>
      (await generateText({ model, prompt, tools, maxRetries: 0 })).toolCalls.map(({ toolName, input }) => [
        toolName,
        input,
      ]);
    expect(await callsOf(' call weather: {"city":"Oslo"} ')).toEqual([['weather', { city: 'Oslo' }]]);
    expect(await callsOf('call weather')).toEqual([['weather', {}]]);
    for (const prompt of ['call secrets: {}', 'call weather now', 'please call weather', 'call'])
      expect(await callsOf(prompt)).toEqual([]);
  });

  it('takes no longer for a message that almost asks for one', async () => {
    const tookMs = await cpuMsOf(async () => {
      await ask(`call x${' '.repeat(19_000)}y`);
      await ask(`call x :${' '.repeat(19_000)}{${' '.repeat(900)}y`);
    });
    expect(tookMs).toBeLessThan(2000);
  });

  it('works on what was said before when the task comes without a text', async () => {
    const { text } = await generateText({
      model,
      messages: [
        { role: 'user', content: STORY },
        { role: 'assistant', content: 'I see.' },
        { role: 'user', content: 'keywords:' },
      ],
    });
    expect(text).toContain('battery');
    expect(await ask('keywords:')).toBe('There is no text to work on.');
  });

  it('answers a question from the text of the conversation only', async () => {
    expect(await ask(`${STORY} Where did Peter buy the phone?`)).toContain('in Berlin');
    expect(await ask(`${STORY} Which volcano erupted?`)).toBe(
      'The conversation has no text that answers this.',
    );
    expect(await ask('Which volcano erupted?')).toBe('The conversation has no text that answers this.');
  });

  it('takes an unknown prefix for a question, members of objects included', async () => {
    expect(await ask('constructor: volcano')).toBe('The conversation has no text that answers this.');
  });

  it('never quotes the instructions of the application', async () => {
    const { text } = await generateText({
      model,
      instructions: 'The secret volcano is Etna.',
      prompt: 'Which volcano is secret?',
    });
    expect(text).not.toContain('Etna');
  });

  it('gives the same answer each time', async () => {
    expect(await ask(`summarize: ${STORY}`)).toBe(await ask(`summarize: ${STORY}`));
  });

  it('counts tokens and stops at the bound of the output', async () => {
    const cut = await generateText({ model, prompt: `summarize: ${STORY}`, maxOutputTokens: 5 });
    expect(cut.finishReason).toBe('length');
    expect(cut.usage.outputTokens).toBe(5);
    expect(STORY.startsWith(cut.text)).toBe(true);
    const whole = await generateText({ model, prompt: 'sentiment: The box.', maxOutputTokens: 4 });
    expect(whole).toMatchObject({
      finishReason: 'stop',
      usage: { inputTokens: 5, outputTokens: 4, totalTokens: 9 },
    });
  });

  it('ends before a stop sequence', async () => {
    const { text } = await generateText({ model, prompt: `keywords: ${STORY}`, stopSequences: [', '] });
    expect(text).toBe('battery');
  });

  it('says which settings it cannot honour', async () => {
    const { warnings } = await generateText({ model, prompt: 'hello', temperature: 1 });
    expect(warnings).toEqual([{ type: 'unsupported', feature: 'temperature' }]);
  });

  it('streams in pieces the text that it would give at once', async () => {
    const streamed = streamText({ model, prompt: `summarize: ${STORY}` });
    const pieces: string[] = [];
    for await (const piece of streamed.textStream) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(5);
    expect(pieces.join('')).toBe(await ask(`summarize: ${STORY}`));
    expect(await streamed.finishReason).toBe('stop');
    expect((await streamed.usage).outputTokens).toBeGreaterThan(5);
  });

  it('refuses a message that is not text', async () => {
    const image = { type: 'file' as const, mediaType: 'image/png', data: 'aGk=' };
    await expect(
      generateText({ model, messages: [{ role: 'user', content: [image] }], maxRetries: 0 }),
    ).rejects.toMatchObject({ name: 'AI_UnsupportedFunctionalityError' });
  });

  it('does nothing for a call that was given up', async () => {
    await expect(
      generateText({ model, prompt: 'hello', abortSignal: AbortSignal.abort() }),
    ).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});
