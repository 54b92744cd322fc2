import type { ServerResponse } from 'node:http';
import { assertedClaims, federated, json, type Received, startRawSubgraph } from './tiny-subgraph.ts';

const SDL = federated(`
type Query { open: String }
type Mutation { touch: String }
type Subscription {
  ticks: String
  secret: String @authenticated
  scoped: String @requiresScopes(scopes: [["read:x"]])
}
`);

/** A subgraph whose subscriptions say what the test lets them say. */
export async function startTicks() {
  const open = new Map<ServerResponse, Received>();
  let begun = 0;
  const subgraph = await startRawSubgraph('ticks', SDL, (call, response) => {
    if (!call.body.query.startsWith('subscription')) {
      json(response, { data: { open: 'open', touch: 'touched' } });
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(':\n\n');
    open.set(response, call);
    begun += 1;
    response.on('close', () => open.delete(response));
  });
  return {
    ...subgraph,
    /** Subscriptions that are open now. */
    streams: () => open.size,
    /** Subscriptions that there ever were: what ends by itself may have ended before somebody looks. */
    begun: () => begun,
    /** Sends an event on each open subscription; it may speak of the caller's tenant. */
    emit(field: string, value: (tenant: unknown) => string) {
      for (const [response, call] of open) {
        const body = { data: { [field]: value(assertedClaims(call)['tenant']) } };
        response.write(`event: next\ndata: ${JSON.stringify(body)}\n\n`);
      }
    },
    complete() {
      for (const response of open.keys()) response.end('event: complete\ndata:\n\n');
    },
    kill() {
      for (const response of open.keys()) response.destroy();
    },
  };
}
