import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import {
  type ExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
  parse,
  subscribe,
  validate,
} from 'graphql';

export interface StreamRequest<C> {
  readonly body: unknown;
  readonly context: C;
  /** Called after each event. */
  renew(): void;
}

export interface EventStreamOptions {
  readonly schema: GraphQLSchema;
  /** Turns an error into what the caller may read of it. */
  readonly mask: (error: GraphQLError) => GraphQLFormattedError;
}

/** True where the caller asks for a stream. */
export function wantsEvents(accept: string | undefined): boolean {
  return /(?:^|[\s,])text\/event-stream(?:$|[\s,;])/iu.test(accept ?? '');
}

/**
 * Serves one subscription as server-sent events, and resolves when it has ended. Events are made only as fast as they are
 * read: a slow reader holds the source up, whose own bound then decides; one that leaves ends it.
 * Throws: GraphQLError BAD_REQUEST where the body is no subscription.
 * Source: graphql-sse protocol, "distinct connections" mode.
 */
export async function serveEvents<C extends object>(
  request: StreamRequest<C>,
  response: ServerResponse,
  options: EventStreamOptions,
): Promise<void> {
  const results = await resultsOf(request, options.schema);
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  });
  // Now: the caller knows that it is subscribed before the first event.
  response.flushHeaders();
  await pipeline(frames(results, request, options), response).catch((fault: NodeJS.ErrnoException) => {
    if (fault.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw fault;
  });
}

async function* frames<C>(
  results: AsyncIterable<ExecutionResult>,
  { renew }: StreamRequest<C>,
  { mask }: EventStreamOptions,
): AsyncGenerator<string, void, undefined> {
  for await (const { data, errors } of results) {
    const event = { data, ...(errors === undefined ? {} : { errors: errors.map(mask) }) };
    yield `event: next\ndata: ${JSON.stringify(event)}\n\n`;
    renew();
  }
  yield 'event: complete\ndata:\n\n';
}

async function resultsOf<C>(
  { body, context }: StreamRequest<C>,
  schema: GraphQLSchema,
): Promise<AsyncIterable<ExecutionResult>> {
  const { query, operationName, variables } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const name = typeof operationName === 'string' ? operationName : null;
  const document = parse(typeof query === 'string' ? query : '');
  if (getOperationAST(document, name)?.operation !== 'subscription') {
    throw new GraphQLError('Only subscriptions are streamed.', {
      extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
    });
  }
  const faults = validate(schema, document);
  if (faults.length > 0) return only({ errors: faults });
  const result = await subscribe({
    schema,
    document,
    operationName: name,
    contextValue: context,
    variableValues: variables as Readonly<Record<string, unknown>>,
  });
  return Symbol.asyncIterator in result ? result : only(result);
}

async function* only(result: ExecutionResult): AsyncGenerator<ExecutionResult, void, undefined> {
  yield result;
}
