import { aiError } from './ai-error.ts';

/** One message of a conversation as the schema takes it. */
export interface ChatMessage {
  readonly role: 'SYSTEM' | 'USER' | 'ASSISTANT';
  readonly content: string;
}

/** The input of `chat`. */
export interface ChatInput {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly maxOutputTokens: number;
  readonly temperature?: number | null;
}

/** The input of `embed`. */
export interface EmbedInput {
  readonly model: string;
  readonly texts: readonly string[];
}

/** What one call may ask for. Units: UTF-16 code units where characters are counted. */
export const BOUNDS = {
  messagesMax: 50,
  messageCharactersMax: 20_000,
  conversationCharactersMax: 60_000,
  outputTokensMax: 8192,
  temperatureMax: 2,
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

function requireText(name: string, text: string, charactersMax: number): void {
  if (text.trim() === '') throw aiError('BAD_USER_INPUT', `${name} must not be empty.`);
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
  for (const message of messages) requireText('A message', message.content, BOUNDS.messageCharactersMax);
  requireTotal(
    'The messages',
    messages.map((message) => message.content),
    BOUNDS.conversationCharactersMax,
  );
  requireRange('maxOutputTokens', input.maxOutputTokens, [1, BOUNDS.outputTokensMax]);
  if (input.temperature != null) requireRange('temperature', input.temperature, [0, BOUNDS.temperatureMax]);
  const firstOther = messages.findIndex((message) => message.role !== 'SYSTEM');
  if (messages.some((message, index) => message.role === 'SYSTEM' && index > firstOther && firstOther >= 0)) {
    throw aiError('BAD_USER_INPUT', 'System messages must come before all others.');
  }
  if (messages.at(-1)?.role !== 'USER') {
    throw aiError('BAD_USER_INPUT', "The last message must be the user's.");
  }
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
