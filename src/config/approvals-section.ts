import { z } from 'zod';
import { integerKey, switchKey } from './config-keys.ts';

const coordinate = z
  .string()
  .max(512)
  .regex(/^[_A-Za-z]\w*(?:\.[_A-Za-z]\w*)?$/u, 'must be a type or a field, such as Product or Query.product');

const tag = z.string().min(1).max(128);

/** Whether callers need an approved subscription, and what they reach without one. */
export const approvalsSection = z.strictObject({
  enforce: switchKey(
    false,
    'Whether an application needs an active subscription to a product that covers each field it asks for.',
  ),
  uncovered: z
    .enum(['permit', 'deny'])
    .default('deny')
    .describe('Whether fields that no published product holds are open to everybody, or to nobody.'),
  open: z
    .strictObject({
      coordinates: z
        .array(coordinate)
        .max(10_000)
        .default([])
        .describe('Types and fields, such as Product or Query.product.'),
      tags: z.array(tag).max(256).default([]).describe('Tags of the schema (`@tag`) whose fields are open.'),
    })
    .prefault({})
    .describe('What everybody reaches without a subscription. The rules of the schema still hold.'),
  staleMs: integerKey({
    min: 1000,
    max: 86_400_000,
    default: 60_000,
    about:
      'Time after the last word from the control plane at which nothing is granted any more, in milliseconds.',
  }),
});
