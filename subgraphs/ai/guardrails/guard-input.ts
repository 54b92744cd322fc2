import type { ChatInput, ChatMessage, EmbedInput, ToolInput } from '../ai-input.ts';
import type { CompiledPolicy } from './compile-guardrails.ts';
import { type Finding, FindingCounts } from './finding.ts';
import { foldText } from './fold-text.ts';
import { changeJson, isJson } from './json-texts.ts';
import { Placeholders } from './placeholders.ts';
import { type Checking, checkText, type Place } from './text-check.ts';

/** What is left of an input, and what was found in it. */
export interface GuardedInput<I> {
  readonly input: I;
  readonly isBlocked: boolean;
  readonly findings: readonly Finding[];
  /** Gives the answer its originals back. */
  readonly placeholders: Placeholders;
}

type Change = (text: string, place: Place) => string;

/** Looks at all texts of a conversation: messages of every role, calls of tools and their results, and what describes tools. */
export function guardChat(input: ChatInput, policy: CompiledPolicy): GuardedInput<ChatInput> {
  const counts = new FindingCounts();
  checkSizes(input, policy, counts);
  checkAllowed(input, policy, counts);
  checkImages(input, policy, counts);
  return guarded(input, policy, { counts, apply: changeChat });
}

/** Looks at texts that are embedded; what models are told in them is told to nobody. */
export function guardTexts(
  input: EmbedInput,
  policy: CompiledPolicy,
  only: ReadonlySet<string> | null = null,
): GuardedInput<EmbedInput> {
  const used =
    only === null
      ? policy
      : { ...policy, input: policy.input.filter(({ detector }) => only.has(detector.name)) };
  return guarded(input, used, {
    counts: new FindingCounts(),
    apply: (embed, change) => ({ ...embed, texts: embed.texts.map((text) => change(text, 'conversation')) }),
  });
}

function guarded<I extends object>(
  input: I,
  policy: CompiledPolicy,
  { counts, apply }: { readonly counts: FindingCounts; readonly apply: (input: I, change: Change) => I },
): GuardedInput<I> {
  let written: string | null = null;
  const placeholders = new Placeholders((placeholder) => {
    written ??= JSON.stringify(input);
    return written.includes(placeholder);
  });
  const byPlace = new Map<Place, Checking>();
  for (const place of ['instructions', 'conversation', 'tools'] as const) {
    const checks = policy.input.filter(({ places }) => places.has(place));
    byPlace.set(place, { checks, direction: 'input', counts, placeholders });
  }
  const change: Change = (text, place) => {
    const checking = byPlace.get(place);
    return checking === undefined ? text : checkText(text, checking);
  };
  const changed = policy.input.length === 0 ? input : apply(input, change);
  return { input: changed, isBlocked: counts.hasBlocked, findings: counts.all, placeholders };
}

function changeChat(input: ChatInput, change: Change): ChatInput {
  const { messages, tools, stop, responseSchema } = input;
  const inTools = (text: string): string => change(text, 'tools');
  return {
    ...input,
    messages: messages.map((message) => changeMessage(message, change)),
    ...(tools == null ? {} : { tools: tools.map((tool) => changeTool(tool, inTools)) }),
    ...(stop == null ? {} : { stop: stop.map((text) => change(text, 'conversation')) }),
    ...(responseSchema == null ? {} : { responseSchema: changeJson(responseSchema, inTools) }),
  };
}

function changeMessage(message: ChatMessage, change: Change): ChatMessage {
  const place: Place = message.role === 'SYSTEM' ? 'instructions' : 'conversation';
  const inPlace = (text: string): string => change(text, place);
  const { content, toolCalls } = message;
  return {
    ...message,
    // What a tool answers is JSON more often than not, and its escapes hide what they stand for.
    content: message.role === 'TOOL' && isJson(content) ? changeJson(content, inPlace) : inPlace(content),
    ...(toolCalls == null
      ? {}
      : {
          toolCalls: toolCalls.map((call) => ({ ...call, arguments: changeJson(call.arguments, inPlace) })),
        }),
  };
}

function changeTool(tool: ToolInput, change: (text: string) => string): ToolInput {
  const { description, parameters } = tool;
  return {
    ...tool,
    ...(description == null ? {} : { description: change(description) }),
    parameters: changeJson(parameters, change),
  };
}

function checkSizes({ messages }: ChatInput, { sizes }: CompiledPolicy, counts: FindingCounts): void {
  if (sizes === null || sizes.input === 'off') return;
  const lengths = messages.map(({ content, toolCalls }) =>
    (toolCalls ?? []).reduce((sum, call) => sum + call.arguments.length, content.length),
  );
  const isOver = (size: number, max: number | undefined): boolean => max !== undefined && size > max;
  const over = [
    isOver(
      lengths.reduce((sum, length) => sum + length, 0),
      sizes.inputCharactersMax,
    ),
    isOver(Math.max(...lengths), sizes.messageCharactersMax),
    isOver(messages.length, sizes.messagesMax),
  ].filter(Boolean).length;
  if (over > 0)
    counts.add({ guardrail: 'sizes', kind: 'TOO_LARGE', direction: 'input', action: sizes.input }, over);
}

function checkImages(
  { messages }: ChatInput,
  { images: action }: CompiledPolicy,
  counts: FindingCounts,
): void {
  const shown = messages.reduce((sum, { images }) => sum + (images?.length ?? 0), 0);
  if (shown === 0 || action === 'off') return;
  counts.add({ guardrail: 'images', kind: 'UNREAD_IMAGE', direction: 'input', action }, shown);
}

function checkAllowed({ messages }: ChatInput, { allowed }: CompiledPolicy, counts: FindingCounts): void {
  if (allowed === null) return;
  const said = messages.findLast(({ role }) => role === 'USER')?.content ?? '';
  if (allowed.check.detector.find(foldText(said)).length > 0) return;
  counts.add({ guardrail: 'topics', kind: 'OFF_TOPIC', direction: 'input', action: allowed.action });
}
