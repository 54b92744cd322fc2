import type { GraphQLResolveInfo } from 'graphql';
import type { Actor, Change } from '../../src/control/actor.ts';
import { payload } from './admin-answers.ts';
import { requireAnyScope } from './admin-field.ts';
import type { AdminContext } from './admin-loaders.ts';

/** Input of a change that can be sent again. */
export interface Keyed {
  readonly idempotencyKey?: string | null;
}

/** Input of a change that gives its reason. */
export type WithReason<Id extends string> = Keyed & { readonly reason: string } & Readonly<
    Record<Id, string>
  >;

/** A change for callers with one of some scopes; its refusals are part of its answer. */
export function changing<Input extends Keyed, T>(
  name: string,
  scopes: readonly string[],
  work: (actor: Actor, input: Input, idempotencyKey: string | undefined) => Promise<T>,
) {
  return async (
    _: unknown,
    { input }: { input: Input },
    { principal, loaders }: AdminContext,
    { parentType, fieldName }: Pick<GraphQLResolveInfo, 'parentType' | 'fieldName'>,
  ) => {
    requireAnyScope(principal, scopes);
    const coordinate = `${parentType.name}.${fieldName}`;
    const onChange = (change: Change) => void loaders.changes.push({ coordinate, ...change });
    const actor = { ...(await loaders.actor()), onChange };
    return payload(name, async () => work(actor, input, input.idempotencyKey ?? undefined));
  };
}
