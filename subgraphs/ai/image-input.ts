import { aiError } from './ai-error.ts';

/** An image by its bytes, as Base64. */
export interface ImageInput {
  readonly mediaType: 'PNG' | 'JPEG' | 'WEBP' | 'GIF';
  readonly data: string;
}

/** Units: images of one conversation, and characters of Base64 of all of them. */
export const IMAGE_BOUNDS = { imagesMax: 8, charactersMax: 3_000_000 } as const;

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/u;
/** Enough of the beginning to tell the formats apart. Units: characters of Base64. */
const HEAD_CHARACTERS = 24;

/** How files of each type begin. Source: PNG 3rd edition, JFIF 1.02, GIF 89a, RFC 9649. */
const IS_TYPE: Readonly<Record<ImageInput['mediaType'], (head: string) => boolean>> = {
  PNG: (head) => head.startsWith('\x89PNG\r\n\x1a\n'),
  JPEG: (head) => head.startsWith('\xff\xd8\xff'),
  GIF: (head) => head.startsWith('GIF87a') || head.startsWith('GIF89a'),
  WEBP: (head) => head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP',
};

/**
 * Holds the images of a conversation to their bounds, and each to the type that it says it has.
 * Throws: BAD_USER_INPUT.
 */
export function checkImages(images: readonly ImageInput[]): void {
  const { imagesMax, charactersMax } = IMAGE_BOUNDS;
  if (images.length > imagesMax)
    throw aiError('BAD_USER_INPUT', `A conversation has at most ${imagesMax} images.`);
  if (images.reduce((sum, { data }) => sum + data.length, 0) > charactersMax)
    throw aiError('BAD_USER_INPUT', `The images must have at most ${charactersMax} characters together.`);
  for (const { mediaType, data } of images) {
    if (data.length % 4 !== 0 || !BASE64.test(data))
      throw aiError('BAD_USER_INPUT', 'The data of an image is Base64.');
    const head = Buffer.from(data.slice(0, HEAD_CHARACTERS), 'base64').toString('latin1');
    if (!IS_TYPE[mediaType](head))
      throw aiError('BAD_USER_INPUT', 'The data of an image is not of its type.');
  }
}
