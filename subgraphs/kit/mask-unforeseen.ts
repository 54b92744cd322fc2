import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';

/** What a resolver throws as a GraphQLError is meant for the caller; anything else is reported, and may carry data in its text. */
export function maskUnforeseen(
  formatted: GraphQLFormattedError,
  error: unknown,
  report: () => void,
): GraphQLFormattedError {
  if (unwrapResolverError(error) instanceof GraphQLError) return formatted;
  report();
  return { ...formatted, message: 'Internal server error', extensions: { code: 'INTERNAL_SERVER_ERROR' } };
}

/** A fault as it is logged: its name and path, never its text. */
export function faultLine(subgraph: string, error: unknown): string {
  const origin = unwrapResolverError(error);
  const path = error instanceof GraphQLError ? error.path?.join('.') : undefined;
  const name = origin instanceof Error ? origin.name : typeof origin;
  return JSON.stringify({ level: 'error', subgraph, error: name, path });
}
