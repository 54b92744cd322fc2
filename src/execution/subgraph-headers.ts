import { LRUCache } from 'lru-cache';
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

/** Callers whose headers are kept for each subgraph; reason: as many as are active at once, at about a kilobyte each. */
const CALLERS_MAX = 1_000;

/** The headers of calls to one subgraph: where it gets nothing of the client's own, one object for all calls of a caller. */
export class SubgraphHeaders {
  readonly #subgraph: SubgraphSettings;
  readonly #byAssertion = new LRUCache<string, Readonly<Record<string, string>>>({ max: CALLERS_MAX });

  constructor(subgraph: SubgraphSettings) {
    this.#subgraph = subgraph;
  }

  for(client: ClientHeaders, assertion: string): Readonly<Record<string, string>> {
    if (this.#subgraph.forwardHeaders.length > 0) return subgraphHeaders(this.#subgraph, client, assertion);
    const known = this.#byAssertion.get(assertion);
    if (known !== undefined) return known;
    const headers = Object.freeze(subgraphHeaders(this.#subgraph, client, assertion));
    this.#byAssertion.set(assertion, headers);
    return headers;
  }
}
