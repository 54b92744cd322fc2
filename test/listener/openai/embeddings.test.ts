import { describe, expect, it } from 'vitest';
import { parseEmbedding } from '../../../src/listener/openai/embeddings.ts';

describe('texts that are embedded by OpenAI’s interface', () => {
  it.each([
    [undefined, undefined],
    ['max-age=0', undefined],
    ['no-cache', 'REFRESH'],
    ['max-age=0, no-store', 'BYPASS'],
  ])('take vectors that were kept as cache-control %s says', (cacheControl, cache) => {
    const input = { model: 'house/v', texts: ['a'], ...(cache === undefined ? {} : { cache }) };
    expect(parseEmbedding({ model: 'house/v', input: 'a' }, cacheControl)).toMatchObject({
      params: { variables: { input } },
    });
  });
});
