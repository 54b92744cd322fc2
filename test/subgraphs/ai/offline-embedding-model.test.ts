import { cosineSimilarity, embed, embedMany } from 'ai';
import { describe, expect, it } from 'vitest';
import {
  createOfflineEmbeddingModel,
  OFFLINE_DIMENSIONS,
} from '../../../subgraphs/ai/offline-embedding-model.ts';
import { createTextReader } from '../../../subgraphs/ai/text-reader.ts';

const model = createOfflineEmbeddingModel(createTextReader());
const embedAll = async (...values: string[]): Promise<number[][]> =>
  (await embedMany({ model, values })).embeddings;
const similarity = async (left: string, right: string): Promise<number> => {
  const [first = [], second = []] = await embedAll(left, right);
  return cosineSimilarity(first, second);
};

describe('the offline embedding model', () => {
  it('gives vectors of its dimensions and length 1', async () => {
    for (const vector of await embedAll('A phone.', 'the of and', '?!', '今天天气很好。', 'a'.repeat(500))) {
      expect(vector).toHaveLength(OFFLINE_DIMENSIONS);
      expect(Math.hypot(...vector)).toBeCloseTo(1, 10);
    }
  });

  it('puts related texts closer together than unrelated ones', async () => {
    const related = await similarity('The cat sat on the mat.', 'Cats are sitting on mats');
    const unrelated = await similarity('The cat sat on the mat.', 'Stock markets fell sharply on Monday');
    expect(related).toBeGreaterThan(0.5);
    expect(Math.abs(unrelated)).toBeLessThan(0.2);
  });

  it('sees through inflection, case and stop words', async () => {
    expect(await similarity('The delivery of the order', 'ORDER DELIVERIES')).toBeGreaterThan(0.75);
  });

  it('forgives a spelling mistake', async () => {
    const mistaken = await similarity('dishwasher', 'dishwascher');
    expect(mistaken).toBeGreaterThan(await similarity('dishwasher', 'bicycle'));
    expect(mistaken).toBeLessThan(1);
  });

  it('does not know synonyms, as documented', async () => {
    expect(Math.abs(await similarity('car', 'automobile'))).toBeLessThan(0.2);
  });

  it('gives the same vector each time, alone or in a batch', async () => {
    const [alone] = await embedAll('A phone that works.');
    const [, inBatch] = await embedAll('Something else.', 'A phone that works.');
    expect(inBatch).toEqual(alone);
  });

  it('counts tokens', async () => {
    expect((await embedMany({ model, values: ['It works.', 'Well.'] })).usage.tokens).toBe(5);
  });

  it('does nothing for a call that was given up', async () => {
    await expect(embed({ model, value: 'hello', abortSignal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});
