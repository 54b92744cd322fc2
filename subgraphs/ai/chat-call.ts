import {
  type generateText,
  jsonSchema,
  type LanguageModel,
  type ModelMessage,
  Output,
  type ToolSet,
  tool,
} from 'ai';
import { type ChatInput, type ChatMessage, jsonObjectOf, type ToolCall } from './ai-input.ts';
import type { ImageInput } from './image-input.ts';

type Call = Pick<
  Parameters<typeof generateText<ToolSet>>[0],
  | 'instructions'
  | 'messages'
  | 'tools'
  | 'toolChoice'
  | 'temperature'
  | 'topP'
  | 'stopSequences'
  | 'seed'
  | 'reasoning'
> & { readonly model: LanguageModel; readonly maxOutputTokens: number; readonly maxRetries: 0 };

const EFFORTS = { NONE: 'none', MINIMAL: 'minimal', LOW: 'low', MEDIUM: 'medium', HIGH: 'high' } as const;

/**
 * How the last thing that a model said has to look; undefined where it is any text. Its text is handed on as it is: where the library
 * judged it, a model that does not follow the schema would look like a provider that fails.
 */
export function outputOf({ responseSchema }: ChatInput) {
  if (responseSchema == null) return undefined;
  const output = Output.object({ schema: jsonSchema(jsonObjectOf('responseSchema', responseSchema)) });
  return { ...output, parseCompleteOutput: async ({ text }: { readonly text: string }) => text };
}

/** A conversation in the terms of the library; its input has been checked. */
export function chatCall(model: LanguageModel, input: ChatInput): Call & { messages: ModelMessage[] } {
  const instructions = input.messages.filter(({ role }) => role === 'SYSTEM');
  const names = new Map(
    input.messages.flatMap(({ toolCalls }) => (toolCalls ?? []).map(({ id, name }) => [id, name] as const)),
  );
  const tools = toolsOf(input);
  return {
    ...{ model, maxOutputTokens: input.maxOutputTokens, maxRetries: 0 },
    ...(instructions.length === 0
      ? {}
      : { instructions: instructions.map(({ content }) => content).join('\n\n') }),
    messages: input.messages.flatMap((message) => messageOf(message, names)),
    ...(tools === null ? {} : { tools, toolChoice: choiceOf(input) }),
    ...(input.temperature == null ? {} : { temperature: input.temperature }),
    ...(input.topP == null ? {} : { topP: input.topP }),
    ...(input.stop == null ? {} : { stopSequences: [...input.stop] }),
    ...(input.seed == null ? {} : { seed: input.seed }),
    ...(input.reasoningEffort == null ? {} : { reasoning: EFFORTS[input.reasoningEffort] }),
  };
}

function messageOf(
  { role, content, toolCalls, toolCallId, images }: ChatMessage,
  names: ReadonlyMap<string, string>,
): ModelMessage[] {
  switch (role) {
    case 'SYSTEM':
      return [];
    case 'USER':
      if (images == null || images.length === 0) return [{ role: 'user', content }];
      return [{ role: 'user', content: [...textParts(content), ...images.map(imagePart)] }];
    case 'ASSISTANT':
      if (toolCalls == null || toolCalls.length === 0) return [{ role: 'assistant', content }];
      return [
        {
          role: 'assistant',
          content: [...textParts(content), ...toolCalls.map(callPart)],
        },
      ];
    case 'TOOL': {
      const id = toolCallId ?? '';
      const output = { type: 'text' as const, value: content };
      return [
        {
          role: 'tool',
          content: [{ type: 'tool-result', toolCallId: id, toolName: names.get(id) ?? 'unknown', output }],
        },
      ];
    }
  }
}

/** Providers refuse texts of nothing. */
function textParts(content: string) {
  return content === '' ? [] : [{ type: 'text' as const, text: content }];
}

/** By its bytes: of an address the library would fetch what stands there. */
function imagePart({ mediaType, data }: ImageInput) {
  return {
    type: 'file' as const,
    mediaType: `image/${mediaType.toLowerCase()}`,
    data: { type: 'data' as const, data },
  };
}

function callPart({ id, name, arguments: json }: ToolCall) {
  return {
    type: 'tool-call' as const,
    toolCallId: id,
    toolName: name,
    input: jsonObjectOf('The arguments of a call', json),
  };
}

/** Tools without a function: the library hands their calls back, and the caller makes them. */
function toolsOf({ tools }: ChatInput): ToolSet | null {
  if (tools == null || tools.length === 0) return null;
  return Object.fromEntries(
    tools.map(({ name, description, parameters }) => [
      name,
      tool({
        inputSchema: jsonSchema(jsonObjectOf('The parameters of a tool', parameters)),
        ...(description == null ? {} : { description }),
      }),
    ]),
  );
}

function choiceOf({ toolChoice, toolName }: ChatInput) {
  if (toolName != null) return { type: 'tool' as const, toolName };
  if (toolChoice === 'REQUIRED') return 'required' as const;
  return toolChoice === 'NONE' ? ('none' as const) : ('auto' as const);
}
