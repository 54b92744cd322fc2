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

/** The headers of one call, and what is equal for two calls only if all their headers are. */
export interface CallHeaders {
  readonly fields: Readonly<Record<string, string>>;
  readonly identity: string;
}

/**
 * The headers of calls to one subgraph: where it gets nothing of the client's own, made once for all calls of a caller.
 * Invariant: of one subgraph, equal identities mean equal headers.
 */
export class SubgraphHeaders {
  readonly #subgraph: SubgraphSettings;
  readonly #byAssertion = new LRUCache<string, CallHeaders>({ max: CALLERS_MAX });
  #made = 0;

  constructor(subgraph: SubgraphSettings) {
    this.#subgraph = subgraph;
  }

  for(client: ClientHeaders, assertion: string): CallHeaders {
    if (this.#subgraph.forwardHeaders.length > 0) {
      const fields = subgraphHeaders(this.#subgraph, client, assertion);
      return { fields, identity: printed(fields) };
    }
    const known = this.#byAssertion.get(assertion);
    if (known !== undefined) return known;
    this.#made += 1;
    const fields = Object.freeze(subgraphHeaders(this.#subgraph, client, assertion));
    const headers = { fields, identity: String(this.#made) };
    this.#byAssertion.set(assertion, headers);
    return headers;
  }
}

/** Values hold no line feed, so no header can pass for another. */
function printed(fields: Readonly<Record<string, string>>): string {
  return Object.keys(fields)
    .map((name) => `${name}:${fields[name]}`)
    .join('\n');
}
