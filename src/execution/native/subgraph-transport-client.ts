import { hash } from 'node:crypto';
import type { FetchStep } from '../../operation/plan.ts';
import type { AssertionMinter } from '../assertion.ts';
import type { FetchTracing } from '../fetch-tracing.ts';
import { TRACE_REQUEST } from '../inline-trace.ts';
import {
  type Done,
  type RunningCall,
  type SubgraphAnswer,
  type SubgraphFailure,
  type SubgraphText,
  understand,
} from '../subgraph-answer.ts';
import { SubgraphClient, type SubgraphClientOptions } from '../subgraph-client.ts';
import { type CallHeaders, SubgraphHeaders } from '../subgraph-headers.ts';
import type { SubgraphSettings } from '../subgraph-settings.ts';
import { SharedFetches, type Start } from './shared-fetches.ts';
import { type CallOutcome, type GuardOptions, SubgraphGuard } from './subgraph-guard.ts';
import { SubgraphSocketClient } from './subgraph-socket-client.ts';
import { SubgraphStreamClient } from './subgraph-stream-client.ts';
import type { FetchCaller, SubgraphTransport } from './subgraph-transport.ts';
import { TracedCalls, withoutTrace } from './traced-calls.ts';

export interface SubgraphTransportOptions extends SubgraphClientOptions {
  readonly subgraphs: readonly SubgraphSettings[];
  readonly guard: GuardOptions;
  /** Shares identical queries in flight among callers the subgraph cannot tell apart. */
  readonly deduplicate: boolean;
}

const ABORTED: SubgraphFailure = { kind: 'failure', status: 0, code: 'REQUEST_ABORTED', cause: null };

const LATE: SubgraphFailure = { kind: 'failure', status: 0, code: 'SUBGRAPH_TIMEOUT', cause: null };

const SSE: NonNullable<SubgraphSettings['subscriptions']> = Object.freeze({ protocol: 'sse' });

/** What is sent, and for whom. */
interface Sending {
  readonly fetch: FetchStep;
  readonly variables: string;
  readonly caller: FetchCaller;
}

/** Each of those who share a call reads its answer anew: what is merged into becomes theirs. */
function understandOwn(answer: SubgraphText | SubgraphFailure | null): SubgraphAnswer {
  return understand(answer ?? ABORTED);
}

/** Body up to the variables, and what is equal for two only if all of that is. */
interface BodyPrefix {
  readonly text: string;
  readonly digest: string;
}

/** By fetch: the query is escaped once. */
const prefixes = new WeakMap<FetchStep, BodyPrefix>();

interface TransportDeps {
  readonly minter: AssertionMinter;
  readonly now: () => number;
  /** Null where nothing is traced. */
  readonly tracing?: FetchTracing | null;
}

/** Creates the way to the subgraphs: the caller's assertion and named headers on every call, equal queries sent once. */
export function createSubgraphTransport(
  options: SubgraphTransportOptions,
  { minter, now, tracing = null }: TransportDeps,
): SubgraphTransport {
  const client = new SubgraphClient(options, now);
  const streams = { sse: new SubgraphStreamClient(), websocket: new SubgraphSocketClient() };
  const traced = tracing === null ? null : new TracedCalls(tracing);
  const targets = targetsOf(options, now, traced !== null);
  const fetches = new SharedFetches<SubgraphText | SubgraphFailure>();
  let sent = 0;
  // No sharing key looks like this one: those begin with a name.
  const unique = (): string => `#${sent++}`;

  const targetOf = (name: string) => {
    const target = targets.get(name);
    if (target === undefined) throw new TypeError(`There are no settings for the subgraph "${name}".`);
    return target;
  };

  /** Sends with the caller's assertion. */
  const sendAs = (assertion: string, { fetch, variables, caller }: Sending): Promise<SubgraphAnswer> => {
    const { subgraph, guard, headers } = targetOf(fetch.subgraph);
    const nowMs = now();
    // Not even begun: it could still change something, and would count against a subgraph that is not at fault.
    if (caller.deadlineMs <= nowMs) return Promise.resolve(LATE);
    const enoughMs = nowMs + subgraph.timeoutMs;
    const own = headers.for(caller.headers, assertion);
    const { fields, identity } = caller.isTimed === true ? withTrace(own) : own;
    const prefix = prefixOf(fetch);
    const call: GuardedCall = {
      subgraph,
      guard,
      headers: fields,
      identity,
      body: `${prefix.text}${variables}}`,
      untilMs: Math.min(enoughMs, caller.deadlineMs),
      repeatable: !fetch.mutation,
    };
    // Who has less time left than the subgraph may take must neither cut others off nor wait as long as they do.
    const shared = options.deduplicate && !fetch.mutation && caller.deadlineMs >= enoughMs;
    const key = shared ? sharingKey(call, prefix, variables) : unique();
    const { departure } = caller;
    const join = (made: GuardedCall, onStart?: () => void): Promise<SubgraphAnswer> =>
      fetches.join(key, { start: starting(client, made, onStart), departure, read: understandOwn });
    if (traced === null) return join(call);
    return traced.send({ subgraph: subgraph.name, key, headers: call.headers }, (sentWith, onStart) =>
      join({ ...call, headers: sentWith }, onStart),
    );
  };

  return {
    send(fetch, variables, caller) {
      const { subgraph } = targetOf(fetch.subgraph);
      const { principal } = caller;
      const assertion = minter.assertionFor(principal, subgraph.identity, subgraph.budgetOf?.(principal));
      const sending = { fetch, variables, caller };
      return typeof assertion === 'string'
        ? sendAs(assertion, sending)
        : assertion.then((minted) => sendAs(minted, sending));
    },
    // Never shared: each caller's events are authorized on their own.
    async *open(fetch, variables, input) {
      const { subgraph, headers } = targetOf(fetch.subgraph);
      const { principal } = input;
      const budget = subgraph.budgetOf?.(principal);
      const assertion = await minter.assertionFor(principal, subgraph.identity, budget);
      const message = {
        headers: headers.for(input.headers, assertion).fields,
        body: `${prefixOf(fetch).text}${variables}}`,
      };
      const { protocol, url } = subgraph.subscriptions ?? SSE;
      const at = url === undefined ? subgraph : { ...subgraph, url };
      yield* streams[protocol].events(at, message, { bounds: input.bounds, signal: input.signal });
    },
    connections: () => client.connections(),
    close: async () => {
      await Promise.all([client.close(), streams.sse.close(), streams.websocket.close()]);
    },
  };
}

function targetsOf({ subgraphs, guard }: SubgraphTransportOptions, now: () => number, isTraced: boolean) {
  return new Map(
    subgraphs.map((subgraph) => [
      subgraph.name,
      {
        ...{ subgraph, guard: new SubgraphGuard(guard, now) },
        headers: new SubgraphHeaders(isTraced ? withoutTrace(subgraph) : subgraph),
      },
    ]),
  );
}

/** The headers of a call that asks for a trace; it is shared only with others that do. */
function withTrace({ fields, identity }: CallHeaders): CallHeaders {
  const [name, value] = TRACE_REQUEST;
  return { fields: { ...fields, [name]: value }, identity: `${identity}\n${name}:${value}` };
}

interface GuardedCall {
  readonly subgraph: SubgraphSettings;
  readonly guard: SubgraphGuard;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the headers. */
  readonly identity: string;
  readonly body: string;
  /** Units: milliseconds since the epoch. */
  readonly untilMs: number;
  /** Whether sending it twice does no harm. */
  readonly repeatable: boolean;
}

function starting(
  client: SubgraphClient,
  call: GuardedCall,
  onStart?: () => void,
): Start<SubgraphText | SubgraphFailure> {
  return (done) => {
    onStart?.();
    return startGuarded(client, call, done);
  };
}

/** Sends a call if its subgraph is well enough, and once more if the connection was lost before any answer. */
function startGuarded(client: SubgraphClient, call: GuardedCall, done: Done): () => void {
  const { guard, subgraph } = call;
  const admission = guard.admit();
  if (admission === null) {
    done({ kind: 'failure', status: 0, code: 'SUBGRAPH_UNAVAILABLE', cause: null });
    return () => undefined;
  }
  let retried = false;
  const send = (): RunningCall =>
    client.start(subgraph, call, (answer) => {
      if (isLost(answer) && call.repeatable && !retried && guard.takeRetry()) {
        retried = true;
        running = send();
        return;
      }
      guard.settle(outcomeOf(answer), admission);
      done(answer);
    });
  let running: RunningCall | null = null;
  running = send();
  return () => running?.cut('REQUEST_ABORTED');
}

/** True where the subgraph did not begin to answer, as when a kept connection was closed from its side. */
function isLost(answer: SubgraphText | SubgraphFailure): boolean {
  return answer.kind === 'failure' && answer.code === 'DOWNSTREAM_SERVICE_ERROR' && answer.status === 0;
}

function outcomeOf(answer: SubgraphText | SubgraphFailure): CallOutcome {
  if (answer.kind === 'text') return answer.status >= 500 ? 'failed' : 'answered';
  return answer.code === 'REQUEST_ABORTED' ? 'left' : 'failed';
}

function prefixOf(fetch: FetchStep): BodyPrefix {
  const known = prefixes.get(fetch);
  if (known !== undefined) return known;
  const { query, operationName } = fetch;
  const start = JSON.stringify(operationName === null ? { query } : { query, operationName });
  const text = `${start.slice(0, -1)},"variables":`;
  const prefix = { text, digest: hash('sha256', text, 'base64url') };
  prefixes.set(fetch, prefix);
  return prefix;
}

/**
 * Everything that could change the answer: the subgraph, all headers it will see (the assertion of who asks among them)
 * and the whole body, of which
 * what comes before the variables stands as its digest: a key is made, and looked for, for each call.
 * Invariant: two calls share only what would be sent byte for byte.
 */
function sharingKey({ subgraph, identity }: GuardedCall, { digest }: BodyPrefix, variables: string): string {
  return `${subgraph.name}\n${identity}\n\n${digest}${variables}`;
}
