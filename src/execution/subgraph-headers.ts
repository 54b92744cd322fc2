import { ASSERTION_HEADER } from './assertion.ts';
import type { SubgraphSettings } from './subgraph-settings.ts';

/** Names that only the gateway may set on a call to a subgraph. */
const OURS = /^x-portcullis-/u;

/** Header fields of a client, by lower-case name. */
export type ClientHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

const NONE: ReadonlySet<string> = new Set();

/** The headers of one call: those of the client that config names, and ours, which win. */
export function subgraphHeaders(
  subgraph: SubgraphSettings,
  client: ClientHeaders,
  assertion: string,
): Record<string, string> {
  const headers: Record<string, string> = {};
  const ofConnection = subgraph.forwardHeaders.length === 0 ? NONE : connectionFields(client);
  for (const name of subgraph.forwardHeaders) {
    const value = Object.hasOwn(client, name) ? client[name] : undefined;
    if (value === undefined || OURS.test(name) || ofConnection.has(name)) continue;
    headers[name] = typeof value === 'string' ? value : value.join(', ');
  }
  headers['content-type'] = 'application/json';
  headers['accept'] = 'application/graphql-response+json, application/json';
  headers[ASSERTION_HEADER] = assertion;
  return headers;
}

/** Fields that the client meant for its own connection only (RFC 9110, section 7.6.1). */
function connectionFields(client: ClientHeaders): ReadonlySet<string> {
  const value = client['connection'] ?? [];
  const options = typeof value === 'string' ? [value] : value;
  return new Set(options.flatMap((option) => option.toLowerCase().split(',')).map((name) => name.trim()));
}
