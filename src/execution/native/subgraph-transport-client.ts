import type { FetchStep } from '../../operation/plan.ts';
import type { AssertionMinter } from '../assertion.ts';
import {
  SubgraphClient,
  type SubgraphClientOptions,
  type SubgraphFailure,
  type SubgraphText,
  type TimedMessage,
  understand,
} from '../subgraph-client.ts';
import { subgraphHeaders } from '../subgraph-headers.ts';
import type { SubgraphSettings } from '../subgraph-settings.ts';
import type { SubgraphTransport } from './native-executor.ts';
import { SharedFetches, type Start } from './shared-fetches.ts';

export interface SubgraphTransportOptions extends SubgraphClientOptions {
  readonly subgraphs: readonly SubgraphSettings[];
  /** Shares identical queries in flight among callers the subgraph cannot tell apart. */
  readonly deduplicate: boolean;
}

const ABORTED: SubgraphFailure = { kind: 'failure', status: 0, code: 'REQUEST_ABORTED', cause: null };

/** Body up to the variables, by fetch: the query is escaped once. */
const prefixes = new WeakMap<FetchStep, string>();

/** Creates the way to the subgraphs: the caller's assertion and named headers on every call, equal queries sent once. */
export function createSubgraphTransport(
  options: SubgraphTransportOptions,
  { minter, now }: { readonly minter: AssertionMinter; readonly now: () => number },
): SubgraphTransport {
  const client = new SubgraphClient(options);
  const settings = new Map(options.subgraphs.map((subgraph) => [subgraph.name, subgraph]));
  const fetches = new SharedFetches<SubgraphText | SubgraphFailure>();
  let sent = 0;
  // No sharing key looks like this one: those begin with a name.
  const unique = (): string => `#${sent++}`;

  return {
    async send(fetch, variables, input) {
      const subgraph = settings.get(fetch.subgraph);
      if (subgraph === undefined)
        throw new TypeError(`There are no settings for the subgraph "${fetch.subgraph}".`);
      const assertion = minter.assertionFor(input.principal, subgraph.identity);
      const message: TimedMessage = {
        headers: subgraphHeaders(
          subgraph,
          input.headers,
          typeof assertion === 'string' ? assertion : await assertion,
        ),
        body: `${prefixOf(fetch)}${variables}}`,
        timeoutMs: Math.min(subgraph.timeoutMs, input.deadlineMs - now()),
      };
      const key = fetch.mutation || !options.deduplicate ? unique() : sharingKey(subgraph, message);
      const start: Start<SubgraphText | SubgraphFailure> = (done) => {
        const cancel = client.start(subgraph, message, done);
        return () => cancel('REQUEST_ABORTED');
      };
      return understand((await fetches.join(key, start, input.signal)) ?? ABORTED);
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
function sharingKey(subgraph: SubgraphSettings, { headers, body }: TimedMessage): string {
  let key = subgraph.name;
  // Header values hold no line feed, so no header can pass for another.
  for (const name of Object.keys(headers)) key += `\n${name}:${headers[name]}`;
  return `${key}\n\n${body}`;
}
