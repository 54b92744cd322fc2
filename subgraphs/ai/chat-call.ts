import type { LanguageModel } from 'ai';
import { type ChatInput, type ChatMessage, jsonObjectOf, type ToolCall } from './ai-input.ts';
import type { ImageInput } from './image-input.ts';

/** A model of a provider of the library, asked without what the library builds around one. */
export type ChatModel = Extract<LanguageModel, { readonly specificationVersion: 'v4' }>;
/** What such a model is asked. */
export type ChatCall = Parameters<ChatModel['doGenerate']>[0];
type PromptMessage = ChatCall['prompt'][number];
type Part<R extends PromptMessage['role']> = Extract<PromptMessage, { readonly role: R }>['content'][number];

const EFFORTS = { NONE: 'none', MINIMAL: 'minimal', LOW: 'low', MEDIUM: 'medium', HIGH: 'high' } as const;

/** A conversation in the terms of the library's providers; its input has been checked. */
export function chatCall(input: ChatInput, abortSignal: AbortSignal): ChatCall {
  const { responseSchema } = input;
  return {
    ...{ abortSignal, maxOutputTokens: input.maxOutputTokens, prompt: promptOf(input) },
    ...toolsOf(input),
    // What comes back is handed on as it is: a model that does not follow the schema is no provider that fails.
    ...(responseSchema == null
      ? {}
      : { responseFormat: { type: 'json', schema: jsonObjectOf('responseSchema', responseSchema) } }),
    ...(input.temperature == null ? {} : { temperature: input.temperature }),
    ...(input.topP == null ? {} : { topP: input.topP }),
    ...(input.stop == null ? {} : { stopSequences: [...input.stop] }),
    ...(input.seed == null ? {} : { seed: input.seed }),
    ...(input.reasoningEffort == null ? {} : { reasoning: EFFORTS[input.reasoningEffort] }),
  };
}

function promptOf({ messages }: ChatInput): PromptMessage[] {
  const instructions = messages.filter(({ role }) => role === 'SYSTEM').map(({ content }) => content);
  const prompt: PromptMessage[] =
    instructions.length === 0 ? [] : [{ role: 'system', content: instructions.join('\n\n') }];
  const names = new Map<string, string>();
  for (const message of messages) {
    for (const { id, name } of message.toolCalls ?? []) names.set(id, name);
    const last = prompt.at(-1);
    // What several tools answer to one turn is one message to providers.
    if (message.role === 'TOOL' && last?.role === 'tool') last.content.push(resultPart(message, names));
    else if (message.role !== 'SYSTEM') prompt.push(messageOf(message, names));
  }
  return prompt;
}

function messageOf(message: ChatMessage, names: ReadonlyMap<string, string>): PromptMessage {
  const { role, content, toolCalls, images } = message;
  if (role === 'TOOL') return { role: 'tool', content: [resultPart(message, names)] };
  if (role === 'ASSISTANT') {
    const calls = (toolCalls ?? []).map(callPart);
    return { role: 'assistant', content: [...textParts(content, calls.length), ...calls] };
  }
  const shown = (images ?? []).map(imagePart);
  return { role: 'user', content: [...textParts(content, shown.length), ...shown] };
}

/** Providers refuse texts of nothing beside something. */
function textParts(text: string, others: number): { type: 'text'; text: string }[] {
  return text === '' && others > 0 ? [] : [{ type: 'text', text }];
}

/** By its bytes: of an address a provider would fetch what stands there. */
function imagePart({ mediaType, data }: ImageInput): Part<'user'> {
  return {
    type: 'file',
    mediaType: `image/${mediaType.toLowerCase()}`,
    data: { type: 'data', data },
  };
}

function callPart({ id, name, arguments: json }: ToolCall): Part<'assistant'> {
  const input = jsonObjectOf('The arguments of a call', json);
  return { type: 'tool-call', toolCallId: id, toolName: name, input };
}

function resultPart({ content, toolCallId }: ChatMessage, names: ReadonlyMap<string, string>): Part<'tool'> {
  const id = toolCallId ?? '';
  const output = { type: 'text' as const, value: content };
  return { type: 'tool-result', toolCallId: id, toolName: names.get(id) ?? 'unknown', output };
}

/** Tools are the caller's: their calls are handed back, and nothing is called here. */
function toolsOf(input: ChatInput): Pick<ChatCall, 'tools' | 'toolChoice'> {
  const { tools } = input;
  if (tools == null || tools.length === 0) return {};
  return {
    toolChoice: choiceOf(input),
    tools: tools.map(({ name, description, parameters }) => ({
      ...{ type: 'function', name, inputSchema: jsonObjectOf('The parameters of a tool', parameters) },
      ...(description == null ? {} : { description }),
    })),
  };
}

function choiceOf({ toolChoice, toolName }: ChatInput): NonNullable<ChatCall['toolChoice']> {
  if (toolName != null) return { type: 'tool', toolName };
  if (toolChoice === 'REQUIRED') return { type: 'required' };
  return { type: toolChoice === 'NONE' ? 'none' : 'auto' };
}
