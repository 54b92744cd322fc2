import { z } from 'zod';
import { integerKey } from './config-keys.ts';
import { subgraphName } from './supergraph-section.ts';

const sizeKey = z.int().min(0).max(1_000_000);
const costKey = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

const subgraphCost = z.strictObject({
  max: costKey.describe('Largest cost of one operation in this subgraph.').exactOptional(),
  listSize: sizeKey
    .describe(
      'Items that a list is taken to have when the cost in this subgraph is counted, in place of cost.listSize.',
    )
    .exactOptional(),
});

/** What operations may cost, by `@cost` and `@listSize` of the schema. */
export const costSection = z.strictObject({
  mode: z
    .enum(['off', 'measure', 'enforce'])
    .default('off')
    .describe(
      'What becomes of costs: off counts nothing, measure tells them in headers and audit, enforce also refuses what costs more than max.',
    ),
  max: z
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .default(1000)
    .describe('Largest cost of one operation. An object costs 1, a mutation 10 more.'),
  listSize: integerKey({
    min: 0,
    max: 1_000_000,
    default: 10,
    about: 'Items that a list is taken to have where the schema does not say.',
  }),
  perSubgraph: z
    .record(subgraphName, subgraphCost)
    .default({})
    .describe('Limits for single subgraphs, by name. Native engine only: they are read from the query plan.'),
});
