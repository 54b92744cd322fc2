import type { ChatInput } from './ai-input.ts';

/** A text that a model writes from another one, by its key. */
export interface GeneratedText {
  readonly task: 'DESCRIBE' | 'SUMMARIZE';
  readonly source: string;
}

/** Most texts that one request may have generated: each is a call of a model. */
export const GENERATED_TEXTS_MAX = 25;
/** A paragraph. */
const GENERATED_TOKENS_MAX = 256;

const INSTRUCTIONS: Readonly<Record<GeneratedText['task'], string>> = {
  DESCRIBE: 'Describe the thing in one short paragraph. Use the facts that are given, and no others.',
  SUMMARIZE: 'Summarize the text in a few sentences. Use what it says, and nothing else.',
};

/** The conversation that has a text written. */
export function generationInput({ task, source }: GeneratedText, model: string): ChatInput {
  return {
    ...{ model, maxOutputTokens: GENERATED_TOKENS_MAX },
    messages: [
      { role: 'SYSTEM', content: INSTRUCTIONS[task] },
      { role: 'USER', content: `summarize: ${source}` },
    ],
  };
}
