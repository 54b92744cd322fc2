import {
  type ExecutionResult,
  execute,
  type GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
} from 'graphql';
import type { KeptOperation } from './kept-documents.ts';

/** What a kept operation is executed with. */
export interface KeptExecution {
  readonly schema: GraphQLSchema;
  readonly contextValue: unknown;
  /** Turns an error into what the caller may read of it. */
  readonly mask: (formatted: GraphQLFormattedError, error: GraphQLError) => GraphQLFormattedError;
  /** What the answer tells besides data and errors; null for nothing. Asked when all is resolved. */
  readonly tell: () => Readonly<Record<string, unknown>> | null;
}

/** An answer as it is sent. */
export interface KeptAnswer {
  readonly status: number;
  readonly text: string;
}

function printed(data: string, extensions: ReturnType<KeptExecution['tell']>): string {
  return extensions === null
    ? `{"data":${data}}`
    : `{"data":${data},"extensions":${JSON.stringify(extensions)}}`;
}

/** Executes an operation as Apollo Server would, and prints its answer; null where nothing could be executed, so that nothing has been changed. */
export async function executeKept(
  { plain, ...operation }: KeptOperation,
  { schema, contextValue, mask, tell }: KeptExecution,
): Promise<KeptAnswer | null> {
  const values = plain?.argumentsFrom(operation.variableValues) ?? null;
  const rootValue = values === null ? undefined : await plain?.resolve(values, contextValue);
  const data = rootValue === undefined ? null : (plain?.print(rootValue) ?? null);
  if (data !== null) return { status: 200, text: printed(data, tell()) };
  const result: ExecutionResult = await execute({ ...operation, schema, contextValue, rootValue });
  // Such as variables that do not fit.
  if (result.data === undefined) return null;
  let status = 200;
  const errors = result.errors?.map((error) => {
    const { http, ...extensions } = error.extensions;
    status = statusIn(http) ?? status;
    const code = extensions['code'] ?? 'INTERNAL_SERVER_ERROR';
    return mask({ ...error.toJSON(), extensions: { ...extensions, code } }, error);
  });
  const extensions = tell();
  const text = JSON.stringify({
    ...(errors === undefined ? {} : { errors }),
    data: result.data,
    ...(extensions === null ? {} : { extensions }),
  });
  return { status, text };
}

function statusIn(http: unknown): number | null {
  if (typeof http !== 'object' || http === null || !('status' in http)) return null;
  return typeof http.status === 'number' ? http.status : null;
}
