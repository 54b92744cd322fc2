import { GraphQLError } from 'graphql';
import type { SubgraphPrincipal } from './assertion.ts';

/** An error that a resolver means the caller to see. */
export function refuse(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}

/** The tenant whose data this request may touch. Throws: GraphQLError `FORBIDDEN` where there is none. */
export function requireTenant(principal: SubgraphPrincipal): string {
  if (principal.tenant === null) throw refuse('FORBIDDEN', 'This needs a caller that belongs to a tenant.');
  return principal.tenant;
}

/**
 * Holds a change to its scope a second time: the gateway has judged it already, but a mistake in a schema must not be
 * enough to write. Throws: GraphQLError `FORBIDDEN`.
 */
export function requireScope(principal: SubgraphPrincipal, scope: string): void {
  if (!principal.scopes.has(scope)) throw refuse('FORBIDDEN', `This needs the scope ${scope}.`);
}

/** A page size within its bounds, for callers that no gateway has checked. Throws: GraphQLError `BAD_USER_INPUT`. */
export function pageSize(first: number, max: number): number {
  if (first < 1 || first > max) throw refuse('BAD_USER_INPUT', `"first" must be between 1 and ${max}.`);
  return first;
}
