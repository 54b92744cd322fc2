import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApolloServer, type ApolloServerPlugin, HeaderMap, type HTTPGraphQLResponse } from '@apollo/server';
import * as disabled from '@apollo/server/plugin/disabled';
import type { GraphQLSchema } from 'graphql';
import { faultLine, maskUnforeseen } from './mask-unforeseen.ts';

/** How one subgraph answers by Apollo Server. */
export interface ApolloOptions<C> {
  readonly name: string;
  readonly log: (line: string) => void;
  /** What an answer tells besides data and errors; null for nothing. */
  readonly tell: (context: C) => Readonly<Record<string, unknown>> | null;
}

/** Makes the server that answers all that is unusual, and words every refusal. */
export function createApollo<C extends object>(
  schema: GraphQLSchema,
  { name, log, tell }: ApolloOptions<C>,
): ApolloServer<C> {
  const line = (message: unknown): void => log(`${name}: ${String(message)}`);
  const quiet = (): void => undefined;
  return new ApolloServer<C>({
    schema,
    introspection: false,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: true,
    persistedQueries: false,
    stopOnTerminationSignals: false,
    formatError: (formatted, error) => maskUnforeseen(formatted, error, () => log(faultLine(name, error))),
    logger: { debug: quiet, info: quiet, warn: line, error: line },
    plugins: [
      disabled.ApolloServerPluginLandingPageDisabled(),
      disabled.ApolloServerPluginCacheControlDisabled(),
      disabled.ApolloServerPluginInlineTraceDisabled(),
      disabled.ApolloServerPluginUsageReportingDisabled(),
      disabled.ApolloServerPluginSchemaReportingDisabled(),
      telling(tell),
    ],
  });
}

/** Adds to each whole answer what its request has to tell. */
function telling<C extends object>(tell: ApolloOptions<C>['tell']): ApolloServerPlugin<C> {
  return {
    requestDidStart: async () => ({
      willSendResponse: async ({ response: { body }, contextValue }) => {
        const told = tell(contextValue);
        if (told !== null && body.kind === 'single')
          body.singleResult.extensions = { ...body.singleResult.extensions, ...told };
      },
    }),
  };
}

/** A request of which the body was read. */
export interface ReadRequest<C> {
  readonly request: IncomingMessage;
  readonly body: unknown;
  readonly context: C;
}

/** Answers one request. */
export async function answerByApollo<C extends object>(
  apollo: ApolloServer<C>,
  { request, body, context }: ReadRequest<C>,
  response: ServerResponse,
): Promise<void> {
  const headers = new HeaderMap();
  for (const [name, values] of Object.entries(request.headersDistinct))
    headers.set(name, (values ?? []).join(', '));
  const result = await apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: { method: 'POST', headers, search: '', body },
    context: async () => context,
  });
  await sendResult(response, result);
}

async function sendResult(response: ServerResponse, result: HTTPGraphQLResponse): Promise<void> {
  response.statusCode = result.status ?? 200;
  for (const [name, value] of result.headers) response.setHeader(name, value);
  if (result.body.kind === 'complete') {
    response.end(result.body.string);
    return;
  }
  for await (const chunk of result.body.asyncIterator) response.write(chunk);
  response.end();
}
