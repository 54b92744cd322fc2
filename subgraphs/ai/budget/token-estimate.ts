import type { ChatInput } from '../ai-input.ts';

/** How inputs are estimated. */
export interface EstimateRule {
  /** With one byte to a token the estimate of a text is a bound, since tokens of text are never shorter. */
  readonly inputBytesPerToken: number;
  readonly tokensPerImage: number;
}

/** The most that one call can take. */
export interface TokensAtMost {
  readonly input: number;
  readonly output: number;
}

/** Tokens that providers add around each message, tool or text. */
const TOKENS_AROUND = 8;

/** Tokens of a conversation, before it is sent: those of its texts, its tools and its images, and of the longest answer. */
export function chatTokens(
  input: ChatInput,
  { inputBytesPerToken, tokensPerImage }: EstimateRule,
): TokensAtMost {
  const { messages, tools, responseSchema, maxOutputTokens } = input;
  let bytes = Buffer.byteLength(responseSchema ?? '');
  let images = 0;
  for (const { content, toolCalls, images: shown } of messages) {
    bytes += Buffer.byteLength(content);
    images += shown?.length ?? 0;
    for (const { id, name, arguments: json } of toolCalls ?? []) bytes += Buffer.byteLength(id + name + json);
  }
  for (const { name, description, parameters } of tools ?? [])
    bytes += Buffer.byteLength(name + (description ?? '') + parameters);
  const parts = messages.length + (tools?.length ?? 0) + 1;
  const estimate = Math.ceil(bytes / inputBytesPerToken) + parts * TOKENS_AROUND + images * tokensPerImage;
  return { input: estimate, output: maxOutputTokens };
}

/** As `chatTokens`, for texts to which nothing is answered. */
export function textTokens(texts: readonly string[], { inputBytesPerToken }: EstimateRule): TokensAtMost {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return { input: Math.ceil(bytes / inputBytesPerToken) + texts.length * TOKENS_AROUND, output: 0 };
}
