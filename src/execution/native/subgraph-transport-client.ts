import type { FetchStep } from '../../operation/plan.ts';
import type { AssertionMinter } from '../assertion.ts';
import type { ExecutionInput } from '../executor.ts';
import {
  SubgraphClient,
  type SubgraphClientOptions,
  type SubgraphFailure,
  type SubgraphMessage,
  type SubgraphText,
  understand,
} from '../subgraph-client.ts';
import { subgraphHeaders } from '../subgraph-headers.ts';
import type { SubgraphSettings } from '../subgraph-settings.ts';
import type { SubgraphTransport } from './native-executor.ts';
import { SharedFetches } from './shared-fetches.ts';

export interface SubgraphTransportOptions extends SubgraphClientOptions {
  readonly subgraphs: readonly SubgraphSettings[];
  /** Shares identical queries in flight among callers the subgraph cannot tell apart. */
  readonly deduplicate: boolean;
}

/** Body up to the variables, by fetch: the query is escaped once. */
const prefixes = new WeakMap<FetchStep, string>();

/** Creates the way to the subgraphs: the caller's assertion and named headers on every call, equal queries sent once. */
export function createSubgraphTransport(
  options: SubgraphTransportOptions,
  deps: { readonly minter: AssertionMinter },
): SubgraphTransport {
  const client = new SubgraphClient(options);
  const settings = new Map(options.subgraphs.map((subgraph) => [subgraph.name, subgraph]));
  const shared = new SharedFetches<SubgraphText | SubgraphFailure>();

  const messageOf = async (
    fetch: FetchStep,
    subgraph: SubgraphSettings,
    sent: { readonly variables: object; readonly input: ExecutionInput },
  ): Promise<SubgraphMessage> => ({
    headers: await subgraphHeaders(subgraph, sent.input, deps.minter),
    body: `${prefixOf(fetch)}${JSON.stringify(sent.variables)}}`,
  });

  return {
    async send(fetch, variables, input) {
      const subgraph = settings.get(fetch.subgraph);
      if (subgraph === undefined)
        throw new TypeError(`There are no settings for the subgraph "${fetch.subgraph}".`);
      const message = await messageOf(fetch, subgraph, { variables, input });
      if (fetch.mutation || !options.deduplicate) {
        return understand(await client.postText(subgraph, message, input.signal));
      }
      const start = (signal: AbortSignal) => client.postText(subgraph, message, signal);
      const answer = await shared.join(sharingKey(subgraph, message), start, input.signal);
      return understand(answer ?? { kind: 'failure', status: 0, code: 'REQUEST_ABORTED', cause: null });
    },
    close: () => client.close(),
  };
}

function prefixOf(fetch: FetchStep): string {
  const known = prefixes.get(fetch);
  if (known !== undefined) return known;
  const { query, operationName } = fetch;
  const start = JSON.stringify(operationName === null ? { query } : { query, operationName });
  const prefix = `${start.slice(0, -1)},"variables":`;
  prefixes.set(fetch, prefix);
  return prefix;
}

/**
 * Everything that could change the answer: the subgraph, all headers it will see (the assertion of who asks among them)
 * and the whole body.
 * Invariant: two calls share only what would be sent byte for byte.
 */
function sharingKey(subgraph: SubgraphSettings, { headers, body }: SubgraphMessage): string {
  let key = subgraph.name;
  // Header values hold no line feed, so no header can pass for another.
  for (const name of Object.keys(headers)) key += `\n${name}:${headers[name]}`;
  return `${key}\n\n${body}`;
}
