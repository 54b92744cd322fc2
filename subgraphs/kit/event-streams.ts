import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
  parse,
  subscribe,
  validate,
} from 'graphql';

/** Far below the silence after which gateways and proxies take a stream for dead. */
const HEARTBEAT_MS = 15_000;

export interface StreamRequest<C> {
  readonly body: unknown;
  readonly context: C;
  /** Called after each event. */
  renew(): void;
  /** What an event tells the gateway besides its data. Default: nothing. */
  tell?(): Readonly<Record<string, unknown>> | null;
}

export interface EventStreamOptions {
  readonly schema: GraphQLSchema;
  /** Turns an error into what the caller may read of it. */
  readonly mask: (error: GraphQLError) => GraphQLFormattedError;
  /** Breaks the streams off: not as complete, so that their readers know to come back. */
  readonly closing: AbortSignal;
  /** Time between signs of life. Default: 15 seconds. */
  readonly heartbeatMs?: number;
}

type Results = AsyncGenerator<ExecutionResult, void, void>;

/** True where the caller asks for a stream. */
export function wantsEvents(accept: string | undefined): boolean {
  return /(?:^|[\s,])text\/event-stream(?:$|[\s,;])/iu.test(accept ?? '');
}

/**
 * Serves one subscription as server-sent events, and resolves when it has ended. Events are made only as fast as they are
 * read: a slow reader holds the source up, whose own bound then decides; one that leaves ends it, also while it is silent.
 * Throws: GraphQLError BAD_REQUEST or GRAPHQL_PARSE_FAILED where the body is no subscription.
 * Source: graphql-sse protocol, "distinct connections" mode.
 */
export async function serveEvents<C extends object>(
  request: StreamRequest<C>,
  response: ServerResponse,
  options: EventStreamOptions,
): Promise<void> {
  const results = await resultsOf(request, options.schema);
  if (response.destroyed || options.closing.aborted) {
    response.destroy();
    await results.return();
    return;
  }
  // The loop over the events cannot be left while it waits for one, so the source itself is told.
  const left = new Promise((resolve) => response.once('close', resolve)).then(() => results.return());
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  });
  // Now: the caller knows that it is subscribed before the first event.
  response.flushHeaders();
  const heart = setInterval(() => beat(response), options.heartbeatMs ?? HEARTBEAT_MS);
  const sent = pipeline(frames(results, request, options), response, { signal: options.closing }).catch(
    (fault: NodeJS.ErrnoException) => {
      if (fault.code !== 'ERR_STREAM_PREMATURE_CLOSE' && !options.closing.aborted) throw fault;
    },
  );
  try {
    await Promise.all([sent, left]);
  } finally {
    clearInterval(heart);
  }
}

/** A reader that has not taken what was sent gets no more of it. */
function beat(response: ServerResponse): void {
  if (response.writable && !response.writableNeedDrain) response.write(':\n\n');
}

async function* frames<C>(
  results: Results,
  { renew, tell }: StreamRequest<C>,
  { mask }: EventStreamOptions,
): AsyncGenerator<string, void, undefined> {
  for await (const { data, errors } of results) {
    const extensions = tell?.() ?? null;
    const event = {
      data,
      ...(errors === undefined ? {} : { errors: errors.map(mask) }),
      ...(extensions === null ? {} : { extensions }),
    };
    yield `event: next\ndata: ${JSON.stringify(event)}\n\n`;
    renew();
  }
  yield 'event: complete\ndata:\n\n';
}

async function resultsOf<C>({ body, context }: StreamRequest<C>, schema: GraphQLSchema): Promise<Results> {
  const { query, operationName, variables } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const name = typeof operationName === 'string' ? operationName : null;
  const document = parseQuery(query);
  if (getOperationAST(document, name)?.operation !== 'subscription') {
    throw refused('BAD_REQUEST', 'Only subscriptions are streamed.');
  }
  if (!isVariables(variables)) throw refused('BAD_REQUEST', '"variables" is an object.');
  const faults = validate(schema, document, undefined, { hideSuggestions: true });
  if (faults.length > 0) return only({ errors: faults });
  const result = await subscribe({
    schema,
    document,
    operationName: name,
    contextValue: context,
    variableValues: variables ?? {},
  });
  return Symbol.asyncIterator in result ? result : only(result);
}

function parseQuery(query: unknown): DocumentNode {
  if (typeof query !== 'string') throw refused('BAD_REQUEST', '"query" is a string.');
  try {
    return parse(query);
  } catch (fault) {
    if (!(fault instanceof GraphQLError)) throw fault;
    throw refused('GRAPHQL_PARSE_FAILED', fault.message);
  }
}

function isVariables(value: unknown): value is Readonly<Record<string, unknown>> | null | undefined {
  return value === undefined || (typeof value === 'object' && !Array.isArray(value));
}

function refused(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status: 400 } } });
}

async function* only(result: ExecutionResult): Results {
  yield result;
}
