import type { Actor } from '../../src/control/actor.ts';
import { invalidInput } from '../../src/control/control-error.ts';
import { refuse } from '../kit/access.ts';
import type { SubgraphPrincipal } from '../kit/assertion.ts';
import { reading } from './admin-answers.ts';
import type { AdminContext } from './admin-loaders.ts';

/** Which part of a list is asked for. */
export interface PageArgs {
  readonly first: number;
  readonly after?: string | null;
}

/** Holds a field to its scopes a second time, any of which is enough. Throws: GraphQLError `FORBIDDEN`. */
export function requireAnyScope({ scopes }: SubgraphPrincipal, wanted: readonly string[]): void {
  if (!wanted.some((scope) => scopes.has(scope)))
    throw refuse('FORBIDDEN', `This needs one of the scopes ${wanted.join(', ')}.`);
}

/** A field for callers with one of some scopes, answered as the caller. */
export function field<Args, T>(scopes: readonly string[], work: (actor: Actor, args: Args) => Promise<T>) {
  return (_: unknown, args: Args, { principal, loaders }: AdminContext): Promise<T | null> =>
    reading(async () => {
      requireAnyScope(principal, scopes);
      return work(await loaders.actor(), args);
    });
}

/** Throws: INVALID_INPUT. */
export function pageOf({ first, after }: PageArgs): { readonly first: number; readonly after?: string } {
  if (after === '') throw invalidInput('after', 'is not a cursor');
  return { first, ...(after == null ? {} : { after }) };
}
