import type { Principal } from '../identity/principal.ts';
import { ASSERTION_HEADER, type AssertionMinter } from './assertion.ts';
import type { SubgraphSettings } from './subgraph-settings.ts';

/** Names that only the gateway may set on a call to a subgraph. */
const OURS = /^x-portcullis-/u;

/** The headers of one call: ours, and those of the client that config names. */
export async function subgraphHeaders(
  subgraph: SubgraphSettings,
  client: {
    readonly principal: Principal;
    readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  },
  minter: AssertionMinter,
): Promise<Record<string, string>> {
  const headers: Record<string, string> = Object.create(null);
  for (const name of subgraph.forwardHeaders) {
    const value = client.headers[name];
    if (value === undefined || OURS.test(name)) continue;
    headers[name] = typeof value === 'string' ? value : value.join(', ');
  }
  headers['content-type'] = 'application/json';
  headers['accept'] = 'application/graphql-response+json, application/json';
  headers[ASSERTION_HEADER] = await minter.assertionFor(client.principal, subgraph.identity);
  return headers;
}
