import { aiError } from './ai-error.ts';
import { checkImages, type ImageInput } from './image-input.ts';

/** One message of a conversation as the schema takes it. */
export interface ChatMessage {
  readonly role: 'SYSTEM' | 'USER' | 'ASSISTANT' | 'TOOL';
  readonly content: string;
  readonly toolCalls?: readonly ToolCall[] | null;
  readonly toolCallId?: string | null;
  readonly images?: readonly ImageInput[] | null;
}

/** A call of a tool, its arguments as JSON. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/** Something that the caller can do for a model; its parameters are a JSON Schema as JSON. */
export interface ToolInput {
  readonly name: string;
  readonly description?: string | null;
  readonly parameters: string;
}

/** The input of `chat`. */
export interface ChatInput {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly maxOutputTokens: number;
  readonly temperature?: number | null;
  readonly topP?: number | null;
  readonly stop?: readonly string[] | null;
  readonly seed?: number | null;
  readonly tools?: readonly ToolInput[] | null;
  readonly toolChoice?: 'AUTO' | 'NONE' | 'REQUIRED';
  readonly toolName?: string | null;
  readonly responseSchema?: string | null;
  readonly reasoningEffort?: 'NONE' | 'MINIMAL' | 'LOW' | 'MEDIUM' | 'HIGH' | null;
  readonly cache?: 'USE' | 'REFRESH' | 'BYPASS';
}

/** The input of `embed`, and of `moderate`, which has no vectors that were kept. */
export interface EmbedInput {
  readonly model: string;
  readonly texts: readonly string[];
  readonly cache?: ChatInput['cache'];
}

/** What one call may ask for. Units: UTF-16 code units where characters are counted. */
export const BOUNDS = {
  messagesMax: 50,
  messageCharactersMax: 20_000,
  conversationCharactersMax: 60_000,
  outputTokensMax: 8192,
  temperatureMax: 2,
  topPMax: 1,
  stopsMax: 4,
  stopCharactersMax: 200,
  toolsMax: 32,
  toolIdCharactersMax: 128,
  schemaCharactersMax: 20_000,
  embedTextsMax: 64,
  embedTextCharactersMax: 8000,
  embedCharactersMax: 100_000,
  analyzeCharactersMax: 20_000,
  listItemsMax: 50,
} as const;

function requireRange(name: string, value: number, range: readonly [min: number, max: number]): void {
  const [min, max] = range;
  // Written so that a value that is not a number is refused too.
  if (value >= min && value <= max) return;
  throw aiError('BAD_USER_INPUT', `${name} must be from ${min} to ${max}.`);
}

function requireText(name: string, text: string, charactersMax: number, blank = false): void {
  if ((blank ? text : text.trim()) === '') throw aiError('BAD_USER_INPUT', `${name} must not be empty.`);
  requireLength(name, text, charactersMax);
}

function requireLength(name: string, text: string, charactersMax: number): void {
  if (text.length > charactersMax) {
    throw aiError('BAD_USER_INPUT', `${name} must have at most ${charactersMax} characters.`);
  }
}

function requireTotal(name: string, texts: readonly string[], charactersMax: number): void {
  if (texts.reduce((sum, text) => sum + text.length, 0) > charactersMax) {
    throw aiError('BAD_USER_INPUT', `${name} must have at most ${charactersMax} characters together.`);
  }
}

/**
 * Holds a conversation to its bounds and to the order that every provider takes.
 * Throws: BAD_USER_INPUT.
 */
export function checkChatInput(input: ChatInput): void {
  const { messages } = input;
  requireRange('The number of messages', messages.length, [1, BOUNDS.messagesMax]);
  for (const message of messages) checkMessage(message);
  requireTotal(
    'The messages',
    messages.map((message) => message.content),
    BOUNDS.conversationCharactersMax,
  );
  requireRange('maxOutputTokens', input.maxOutputTokens, [1, BOUNDS.outputTokensMax]);
  if (input.temperature != null) requireRange('temperature', input.temperature, [0, BOUNDS.temperatureMax]);
  if (input.topP != null) requireRange('topP', input.topP, [0, BOUNDS.topPMax]);
  if (input.stop != null) {
    requireRange('The number of stops', input.stop.length, [0, BOUNDS.stopsMax]);
    for (const stop of input.stop) requireText('A stop', stop, BOUNDS.stopCharactersMax, true);
  }
  checkTools(input);
  checkImages(messages.flatMap(({ images }) => images ?? []));
  const firstOther = messages.findIndex((message) => message.role !== 'SYSTEM');
  if (messages.some((message, index) => message.role === 'SYSTEM' && index > firstOther && firstOther >= 0)) {
    throw aiError('BAD_USER_INPUT', 'System messages must come before all others.');
  }
  const last = messages.at(-1)?.role;
  if (last !== 'USER' && last !== 'TOOL') {
    throw aiError('BAD_USER_INPUT', "The last message must be the user's or a tool's.");
  }
}

function checkMessage({ role, content, toolCalls, toolCallId, images }: ChatMessage): void {
  const calls = toolCalls ?? [];
  if (calls.length > 0 && role !== 'ASSISTANT')
    throw aiError('BAD_USER_INPUT', 'Only the assistant calls tools.');
  if ((toolCallId != null) !== (role === 'TOOL'))
    throw aiError('BAD_USER_INPUT', 'A message of a tool, and no other, names the call that it answers.');
  if (toolCallId != null) requireText('The id of a call', toolCallId, BOUNDS.toolIdCharactersMax);
  requireRange('The number of calls', calls.length, [0, BOUNDS.toolsMax]);
  const shows = images != null && images.length > 0;
  if (calls.length === 0 && role !== 'TOOL' && !shows)
    requireText('A message', content, BOUNDS.messageCharactersMax);
  else requireLength('A message', content, BOUNDS.messageCharactersMax);
  if (shows && role !== 'USER') throw aiError('BAD_USER_INPUT', 'Only the user shows images.');
  for (const call of calls) {
    requireText('The id of a call', call.id, BOUNDS.toolIdCharactersMax);
    requireName(call.name);
    requireLength('The arguments of a call', call.arguments, BOUNDS.messageCharactersMax);
    jsonObjectOf('The arguments of a call', call.arguments);
  }
}

const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/u;

function requireName(name: string): void {
  if (!TOOL_NAME.test(name))
    throw aiError('BAD_USER_INPUT', 'The name of a tool has 1 to 64 letters, digits, dashes or underscores.');
}

function checkTools({ tools, toolName, responseSchema }: ChatInput): void {
  const named = tools ?? [];
  requireRange('The number of tools', named.length, [0, BOUNDS.toolsMax]);
  for (const { name, description, parameters } of named) {
    requireName(name);
    requireLength('The description of a tool', description ?? '', BOUNDS.messageCharactersMax);
    requireLength('The parameters of a tool', parameters, BOUNDS.schemaCharactersMax);
    jsonObjectOf('The parameters of a tool', parameters);
  }
  const names = new Set(named.map(({ name }) => name));
  if (names.size !== named.length) throw aiError('BAD_USER_INPUT', 'Two tools have the same name.');
  if (toolName != null && !names.has(toolName))
    throw aiError('BAD_USER_INPUT', 'toolName must be the name of one of the tools.');
  if (responseSchema == null) return;
  requireLength('responseSchema', responseSchema, BOUNDS.schemaCharactersMax);
  jsonObjectOf('responseSchema', responseSchema);
}

/**
 * An object that stands in a text as JSON.
 * Throws: BAD_USER_INPUT.
 */
export function jsonObjectOf(name: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw aiError('BAD_USER_INPUT', `${name} must be a JSON object.`);
}

/**
 * Holds the texts to embed to their bounds.
 * Throws: BAD_USER_INPUT.
 */
export function checkEmbedInput(input: EmbedInput): void {
  requireRange('The number of texts', input.texts.length, [1, BOUNDS.embedTextsMax]);
  for (const text of input.texts) requireText('A text', text, BOUNDS.embedTextCharactersMax);
  requireTotal('The texts', input.texts, BOUNDS.embedCharactersMax);
}

/**
 * Holds a text to analyse to its bounds.
 * Throws: BAD_USER_INPUT.
 */
export function checkAnalyzeText(text: string): void {
  requireText('The text', text, BOUNDS.analyzeCharactersMax);
}

/**
 * Holds a list size to its bounds.
 * Throws: BAD_USER_INPUT.
 */
export function checkFirst(first: number): void {
  requireRange('first', first, [0, BOUNDS.listItemsMax]);
}
