import { ASSERTION_HEADER } from './assertion.ts';
import type { SubgraphSettings } from './subgraph-settings.ts';

/** Names that only the gateway may set on a call to a subgraph. */
const OURS = /^x-portcullis-/u;

/** Header fields of a client, by lower-case name. */
export type ClientHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The headers of one call: those of the client that config names, and ours, which win. */
export function subgraphHeaders(
  subgraph: SubgraphSettings,
  client: ClientHeaders,
  assertion: string,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of subgraph.forwardHeaders) {
    const value = Object.hasOwn(client, name) ? client[name] : undefined;
    if (value === undefined || OURS.test(name)) continue;
    headers[name] = typeof value === 'string' ? value : value.join(', ');
  }
  headers['content-type'] = 'application/json';
  headers['accept'] = 'application/graphql-response+json, application/json';
  headers[ASSERTION_HEADER] = assertion;
  return headers;
}
