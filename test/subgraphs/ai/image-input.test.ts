import { describe, expect, it } from 'vitest';
import type { ChatInput, ChatMessage } from '../../../subgraphs/ai/ai-input.ts';
import { checkChatInput } from '../../../subgraphs/ai/ai-input.ts';
import { IMAGE_BOUNDS, type ImageInput } from '../../../subgraphs/ai/image-input.ts';
import { JPEG_1X1, PNG_1X1 } from './images.ts';

const showing = (images: readonly ImageInput[], change: Partial<ChatMessage> = {}): ChatInput => ({
  ...{ model: 'portcullis/offline', maxOutputTokens: 10 },
  messages: [
    { role: 'USER', content: 'What is it?', images, ...change },
    { role: 'USER', content: 'Say.' },
  ],
});
const REFUSED = expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } });
const png = (data: string): ImageInput => ({ mediaType: 'PNG', data });
/** A PNG by its beginning, as long as wanted. */
const long = (characters: number) => png(PNG_1X1.slice(0, 16).padEnd(characters, 'A'));

describe('images', () => {
  it.each<[string, ChatInput]>([
    ['one', showing([png(PNG_1X1)])],
    ['one of another type', showing([{ mediaType: 'JPEG', data: JPEG_1X1 }])],
    ['as many as the bound', showing(Array.from({ length: IMAGE_BOUNDS.imagesMax }, () => png(PNG_1X1)))],
    ['as large as the bound', showing([long(IMAGE_BOUNDS.charactersMax)])],
    ['one without a text', showing([png(PNG_1X1)], { content: '' })],
  ])('are taken: %s', (_, input) => {
    expect(() => checkChatInput(input)).not.toThrow();
  });

  it.each<[string, ChatInput]>([
    ['more than the bound', showing(Array.from({ length: IMAGE_BOUNDS.imagesMax + 1 }, () => png(PNG_1X1)))],
    ['larger than the bound', showing([long(IMAGE_BOUNDS.charactersMax + 4)])],
    ['larger than the bound together', showing([long(IMAGE_BOUNDS.charactersMax - 4), long(8)])],
    ['of another type than they say', showing([{ mediaType: 'PNG', data: JPEG_1X1 }])],
    ['that are pages', showing([png(Buffer.from('<html></html>..').toString('base64'))])],
    ['that are addresses', showing([png('http://169.254.169.254/latest/meta-data/')])],
    ['that are not Base64', showing([png(`${PNG_1X1.slice(0, -4)}a-_=`)])],
    ['that are Base64 cut off', showing([png(PNG_1X1.slice(0, -1))])],
    ['of nothing', showing([png('')])],
    ['of the assistant', showing([png(PNG_1X1)], { role: 'ASSISTANT' })],
    ['of the application', showing([png(PNG_1X1)], { role: 'SYSTEM' })],
  ])('are refused: %s', (_, input) => {
    expect(() => checkChatInput(input)).toThrow(REFUSED);
  });
});
