import { ApolloServer, type ApolloServerPlugin, HeaderMap, type HTTPGraphQLResponse } from '@apollo/server';
import * as disabled from '@apollo/server/plugin/disabled';
import type { GraphQLSchema } from 'graphql';
import { faultLine, maskUnforeseen } from './mask-unforeseen.ts';
import type { WholeAnswer } from './whole-answer.ts';

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
  /** All that it says, by names in lower case. */
  readonly fields: () => Iterable<readonly [name: string, value: string]>;
  readonly body: unknown;
  readonly context: C;
}

/** Answers one request. */
export async function answerByApollo<C extends object>(
  apollo: ApolloServer<C>,
  { fields, body, context }: ReadRequest<C>,
): Promise<WholeAnswer> {
  const headers = new HeaderMap();
  for (const [name, value] of fields()) headers.set(name, value);
  const result = await apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: { method: 'POST', headers, search: '', body },
    context: async () => context,
  });
  const { status = 200, body: answered } = result;
  // The length is told by who sends it.
  result.headers.delete('content-length');
  return { status, headers: Object.fromEntries(result.headers), text: await textOf(answered) };
}

async function textOf(body: HTTPGraphQLResponse['body']): Promise<string> {
  if (body.kind === 'complete') return body.string;
  let text = '';
  for await (const chunk of body.asyncIterator) text += chunk;
  return text;
}
