import { announce } from '../bench/gateways/announce.ts';
import { callAll, type PacedLoad } from './paced-load.ts';

/** What came of the calls of one turn; `fault` where one broke. */
export type PacedReply = { readonly refused: number } | { readonly fault: string };

// A process of its own: what it costs to make many calls must not delay whoever measures another tenant's.
process.on('message', (load: PacedLoad) => {
  callAll(load)
    .then((calls): PacedReply => ({ refused: calls.filter(({ status }) => status === 429).length }))
    .catch((fault: Error): PacedReply => ({ fault: fault.message }))
    .then((reply) => process.send?.(reply));
});
announce({ ready: true });
