import type { ChatModel } from './chat-call.ts';

type Generated = Awaited<ReturnType<ChatModel['doGenerate']>>;
/** What is made of an answer; the rest of what the library tells of it nobody asks for. */
export type PlainGenerated = Pick<Generated, 'content' | 'finishReason' | 'usage'>;
type Fields = Readonly<Record<string, unknown>>;
type Rule = (value: unknown) => boolean;

/** Names that would mean something to an object, in any spelling that JSON has: the library looks for them everywhere. */
const SUSPECT = /proto|constructor|\\u00[4-7]/iu;
const FINISHES: ReadonlySet<unknown> = new Set(['stop', 'length']);

const isText: Rule = (value) => typeof value === 'string';
const isTextOrNothing: Rule = (value) => value === null || typeof value === 'string';
const isNothing: Rule = (value) => value === null;
const isCount: Rule = (value) => Number.isSafeInteger(value) && (value as number) >= 0;

const ANSWER = rules({
  ...{ id: isText, model: isText, created: isCount, choices: isOneOf, usage: isUsage },
  ...{ object: isText, system_fingerprint: isTextOrNothing, service_tier: isTextOrNothing },
});
const CHOICE = rules({
  ...{ index: isCount, message: isMessage, logprobs: isNothing },
  finish_reason: (value) => FINISHES.has(value),
});
const MESSAGE = rules({
  ...{ role: (value) => value === 'assistant', content: (value) => isText(value) && value !== '' },
  ...{ refusal: isNothing, tool_calls: isNothing },
  annotations: (value) => value === null || (Array.isArray(value) && value.length === 0),
});
const USAGE = rules({
  ...{ prompt_tokens: isCount, completion_tokens: isCount, total_tokens: isCount },
  prompt_tokens_details: (value) => follows(value, INPUT_DETAILS),
  completion_tokens_details: (value) => follows(value, OUTPUT_DETAILS),
});
const INPUT_DETAILS = rules({ cached_tokens: isCount, audio_tokens: isCount });
const OUTPUT_DETAILS = rules({
  ...{ reasoning_tokens: isCount, audio_tokens: isCount },
  ...{ accepted_prediction_tokens: isCount, rejected_prediction_tokens: isCount },
});

/**
 * Reads an answer that is one text with its usage and nothing else, in OpenAI's form; null where there is anything more or less in it,
 * which is for the library to read and to judge. Invariant: what is read here the library reads in the same way.
 */
export function readPlainCompletion(text: string): PlainGenerated | null {
  if (SUSPECT.test(text)) return null;
  const answer = parsed(text);
  if (!follows(answer, ANSWER) || !has(answer, 'choices', 'usage')) return null;
  const [choice] = answer['choices'] as readonly [Fields];
  const finish = choice['finish_reason'] as 'stop' | 'length';
  const { content } = choice['message'] as { readonly content: string };
  return {
    content: [{ type: 'text', text: content }],
    finishReason: { unified: finish, raw: finish },
    usage: usageOf(answer['usage'] as Fields),
  };
}

function usageOf(usage: Fields): Generated['usage'] {
  const [input, output] = [usage['prompt_tokens'] as number, usage['completion_tokens'] as number];
  const cacheRead = detail(usage['prompt_tokens_details'], 'cached_tokens');
  const reasoning = detail(usage['completion_tokens_details'], 'reasoning_tokens');
  return {
    inputTokens: { total: input, noCache: input - cacheRead, cacheRead, cacheWrite: undefined },
    outputTokens: { total: output, text: Math.max(0, output - reasoning), reasoning },
  };
}

function detail(details: unknown, name: string): number {
  return ((details as Fields | undefined)?.[name] as number | undefined) ?? 0;
}

function isOneOf(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 1) return false;
  const [choice] = value;
  return follows(choice, CHOICE) && has(choice, 'index', 'message', 'finish_reason');
}

function isMessage(value: unknown): boolean {
  return follows(value, MESSAGE) && has(value, 'content');
}

function isUsage(value: unknown): boolean {
  return follows(value, USAGE) && has(value, 'prompt_tokens', 'completion_tokens');
}

function rules(named: Readonly<Record<string, Rule>>): ReadonlyMap<string, Rule> {
  return new Map(Object.entries(named));
}

/** Whether a value is an object of which every field is known and what it has to be. */
function follows(value: unknown, known: ReadonlyMap<string, Rule>): value is Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  for (const name of Object.keys(value))
    if (known.get(name)?.((value as Fields)[name]) !== true) return false;
  return true;
}

function has(value: Fields, ...names: readonly string[]): boolean {
  return names.every((name) => Object.hasOwn(value, name));
}

/** Undefined where it is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
