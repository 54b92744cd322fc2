import { UnsupportedFunctionalityError } from 'ai';
import type { ChatCall, ChatModel } from './chat-call.ts';
import { entities, findAnswer, keywords, summarize } from './text-analysis.ts';
import { type ReadText, type TextReader, type TextSentence, takeTokens } from './text-reader.ts';

type GenerateResult = Awaited<ReturnType<ChatModel['doGenerate']>>;
type StreamPart =
  Awaited<ReturnType<ChatModel['doStream']>>['stream'] extends ReadableStream<infer P> ? P : never;

const LIST_SIZE = 10;
const NO_ANSWER = 'The conversation has no text that answers this.';
const NO_TEXT = 'There is no text to work on.';

/** What a task prefix of the last user message asks for, and how it is answered. */
const TASKS: ReadonlyMap<string, (text: ReadText) => string> = new Map([
  ['summarize', summarize],
  ['sentiment', describeSentiment],
  [
    'keywords',
    (text: ReadText) =>
      keywords(text, LIST_SIZE)
        .map((keyword) => keyword.text)
        .join(', '),
  ],
  [
    'entities',
    (text: ReadText) =>
      entities(text, LIST_SIZE)
        .map((entity) => `${entity.text} (${entity.type})`)
        .join(', '),
  ],
]);

/**
 * The language model that needs no network: it extracts, it does not invent.
 * It calls a tool where the last message is `call NAME: {…}`, or where the caller demands one.
 * The last user message picks the task by its prefix (`summarize:`, `sentiment:`, `keywords:`, `entities:`, on the rest
 * of the message or else on what was said before); anything else is answered with sentences of the conversation.
 * Invariant: the same conversation gives the same answer, and system messages are never quoted.
 */
export function createOfflineLanguageModel(reader: TextReader): ChatModel {
  const generate = (options: ChatCall): GenerateResult => {
    options.abortSignal?.throwIfAborted();
    const conversation = options.prompt.map((message) => ({
      role: message.role,
      text: messageText(message),
    }));
    const called = toolCallFor(options, conversation);
    const complete = beforeStop(answer(reader, conversation), options.stopSequences ?? []);
    const read = reader.read(complete);
    const tokensMax = options.maxOutputTokens ?? read.tokens.length;
    const cut = read.tokens.length > tokensMax;
    const text = cut ? takeTokens(read, tokensMax) : complete;
    const inputTokens = conversation.reduce((sum, message) => sum + reader.countTokens(message.text), 0);
    const outputTokens = Math.min(read.tokens.length, tokensMax);
    return {
      content: called === null ? [{ type: 'text', text }] : [called],
      finishReason: { unified: called !== null ? 'tool-calls' : cut ? 'length' : 'stop', raw: undefined },
      usage: {
        inputTokens: { total: inputTokens, noCache: inputTokens, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: outputTokens, text: outputTokens, reasoning: 0 },
      },
      warnings: unsupported(options),
    };
  };
  return {
    specificationVersion: 'v4',
    provider: 'portcullis',
    modelId: 'offline',
    supportedUrls: {},
    doGenerate: async (options) => generate(options),
    doStream: async (options) => ({ stream: toStream(generate(options), options.abortSignal) }),
  };
}

interface Turn {
  readonly role: ChatCall['prompt'][number]['role'];
  readonly text: string;
}

function messageText(message: ChatCall['prompt'][number]): string {
  if (message.role === 'system') return message.content;
  return message.content
    .map((part) => {
      if (part.type === 'text' || part.type === 'reasoning') return part.text;
      // What was asked of a tool is no statement; what it answered is.
      if (part.type === 'tool-call') return '';
      if (part.type === 'tool-result') return part.output.type === 'text' ? part.output.value : '';
      throw new UnsupportedFunctionalityError({ functionality: `message part of type ${part.type}` });
    })
    .join('\n');
}

/**
 * The call of a tool that the last message asks for by `call NAME: {…}`, or that the caller demands; null where there is
 * none.
 */
function toolCallFor(
  { tools = [], toolChoice }: ChatCall,
  conversation: readonly Turn[],
): ToolCallContent | null {
  const last = conversation.at(-1);
  if (last?.role !== 'user' || toolChoice?.type === 'none') return null;
  const { name: asked, json } = askedCall(last.text);
  const demanded =
    toolChoice?.type === 'tool'
      ? toolChoice.toolName
      : toolChoice?.type === 'required'
        ? tools[0]?.name
        : undefined;
  const name = demanded ?? asked;
  if (!tools.some((known) => known.name === name) || name === undefined) return null;
  return {
    type: 'tool-call',
    toolCallId: `call-${conversation.length}`,
    toolName: name,
    input: isJson(json) ? json : '{}',
  };
}

/** Read from both ends, so that no text takes more than its length. */
function askedCall(text: string): { readonly name: string | undefined; readonly json: string } {
  const [, name, after = ''] = /^call ([\w-]{1,64})(.*)$/su.exec(text.trim()) ?? [];
  const rest = after.trim();
  const json = (rest.startsWith(':') ? rest.slice(1) : rest).trim();
  return json === '' || json.startsWith('{') ? { name, json } : { name: undefined, json: '' };
}

type ToolCallContent = Extract<GenerateResult['content'][number], { readonly type: 'tool-call' }>;

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function answer(reader: TextReader, conversation: readonly Turn[]): string {
  const latest = conversation.at(-1);
  // What a tool answered is what was asked for.
  if (latest?.role === 'tool') return latest.text;
  const last = conversation.findLastIndex((turn) => turn.role === 'user');
  const request = conversation[last]?.text ?? '';
  const earlier = conversation
    .filter((turn, index) => index !== last && (turn.role === 'user' || turn.role === 'assistant'))
    .map((turn) => turn.text);
  const prefix = /^\s*(\p{L}+)\s*:/u.exec(request);
  const task = TASKS.get(prefix?.[1]?.toLowerCase() ?? '');
  if (prefix !== null && task !== undefined) {
    const own = request.slice(prefix[0].length);
    const text = reader.read(own.trim() === '' ? earlier.join('\n') : own);
    return text.tokens.length === 0 ? NO_TEXT : task(text);
  }
  const asked = reader.read(request);
  const passages = [
    ...earlier.flatMap((text) => reader.read(text).sentences),
    ...statements(asked.sentences),
  ];
  return findAnswer(questionOf(asked), passages) ?? NO_ANSWER;
}

function isQuestion(sentence: TextSentence): boolean {
  return sentence.text.endsWith('?');
}

/** What a message states besides asking; a message without a question mark asks with its last sentence. */
function statements(sentences: readonly TextSentence[]): readonly TextSentence[] {
  return sentences.some(isQuestion)
    ? sentences.filter((sentence) => !isQuestion(sentence))
    : sentences.slice(0, -1);
}

function questionOf(message: ReadText): ReadText {
  const questions = message.sentences.filter(isQuestion);
  const asking = questions.length > 0 ? questions : message.sentences.slice(-1);
  return { ...message, sentences: asking, tokens: asking.flatMap((sentence) => sentence.tokens) };
}

function describeSentiment(text: ReadText): string {
  const score = text.sentiment;
  if (score === 0) return 'neutral (0.00)';
  return `${score > 0 ? 'positive' : 'negative'} (${score.toFixed(2)})`;
}

function beforeStop(text: string, stopSequences: readonly string[]): string {
  const ends = stopSequences.map((stop) => text.indexOf(stop)).filter((end) => end >= 0);
  return text.slice(0, Math.min(text.length, ...ends));
}

/** Names the settings that a model without chance and without tools cannot honour. */
function unsupported(options: ChatCall): GenerateResult['warnings'] {
  const settings = ['temperature', 'topP', 'topK', 'presencePenalty', 'frequencyPenalty'] as const;
  const features: string[] = settings.filter((setting) => options[setting] !== undefined);
  if (options.responseFormat?.type === 'json') features.push('responseFormat');
  return features.map((feature) => ({ type: 'unsupported', feature }));
}

function toStream(result: GenerateResult, abortSignal: AbortSignal | undefined): ReadableStream<StreamPart> {
  const text = result.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
  const id = '0';
  const parts: StreamPart[] = [
    { type: 'stream-start', warnings: result.warnings },
    { type: 'text-start', id },
    ...(text.match(/\s*\S+/gu) ?? []).map((delta): StreamPart => ({ type: 'text-delta', id, delta })),
    { type: 'text-end', id },
    ...result.content.filter((part) => part.type === 'tool-call'),
    { type: 'finish', usage: result.usage, finishReason: result.finishReason },
  ];
  const next = parts.values();
  return new ReadableStream<StreamPart>({
    pull(controller) {
      abortSignal?.throwIfAborted();
      const { done, value } = next.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}
