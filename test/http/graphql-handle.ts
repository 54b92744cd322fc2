import {
  buildSchema,
  type ExecutionResult,
  execute,
  GraphQLError,
  getOperationAST,
  parse,
  validate,
} from 'graphql';
import { CATALOGUE, type ErrorCode, GatewayError } from '../../src/errors.ts';
import type { GatewayResponse, GraphQLParams, GraphQLRequest } from '../../src/listener/request.ts';

const SCHEMA = buildSchema(`
  type Query { hello(name: String = "world"): String! }
  type Mutation { touch: Boolean! }
`);

const ROOT = { hello: ({ name }: { name: string }) => `Hello ${name}`, touch: true };

/** The request path in small: graphql-js on a tiny schema, statuses as the gateway gives them. */
export async function graphqlHandle(request: GraphQLRequest): Promise<GatewayResponse> {
  const { params } = request;
  if (params instanceof GatewayError) return refusal(request, params);
  try {
    return {
      status: 200,
      headers: {},
      body: { ...(await runDocument(request, params)) } as GatewayResponse['body'],
    };
  } catch (error) {
    if (error instanceof GatewayError) return refusal(request, error);
    throw error;
  }
}

async function runDocument(request: GraphQLRequest, params: GraphQLParams): Promise<ExecutionResult> {
  const document = parseDocument(params.query ?? '');
  if (validate(SCHEMA, document).length > 0) throw new GatewayError('GRAPHQL_VALIDATION_FAILED');
  const operation = getOperationAST(document, params.operationName);
  if (!operation) throw new GatewayError('OPERATION_RESOLUTION_FAILURE');
  if (operation.operation === 'mutation' && request.method === 'GET') {
    throw new GatewayError('METHOD_NOT_ALLOWED', { headers: { allow: 'POST' } });
  }
  const result = await execute({
    schema: SCHEMA,
    document,
    rootValue: ROOT,
    operationName: params.operationName,
    variableValues: params.variables,
  });
  if (!('data' in result)) throw new GatewayError('BAD_USER_INPUT');
  return result;
}

function parseDocument(query: string): ReturnType<typeof parse> {
  try {
    return parse(query);
  } catch (error) {
    if (error instanceof GraphQLError) throw new GatewayError('GRAPHQL_PARSE_FAILED');
    throw error;
  }
}

/** Errors of a well-formed request that `application/json` clients get with status 200. */
const REQUEST_ERRORS: ReadonlySet<ErrorCode> = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'OPERATION_RESOLUTION_FAILURE',
]);

/** What the pipeline answers to a refusal. */
export function refusal(request: GraphQLRequest, error: GatewayError): GatewayResponse {
  const mild = request.responseMediaType === 'application/json' && REQUEST_ERRORS.has(error.code);
  const extensions = { code: error.code, requestId: request.id };
  return {
    status: mild ? 200 : error.status,
    headers: error.headers,
    body: { errors: [{ message: CATALOGUE[error.code].message, extensions }] },
  };
}
