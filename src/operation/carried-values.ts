import {
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  parse,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import type { SecurityPolicy, SensitiveClass } from '../supergraph/policy.ts';
import { fetchesOf, type Plan } from './plan.ts';

/** Classes of one sensitive field. */
export type SensitiveClasses = readonly SensitiveClass[];

/**
 * The classes of every sensitive field that a plan fetches, what nobody selected included: keys, and what `@requires` carries
 * from one subgraph to another, whose errors may then name it. All of them where the executor plans by itself.
 * Invariant: a field whose type clients do not know counts by its name alone.
 */
export function carriedValues(
  plan: Plan | null,
  { schema, policy }: { readonly schema: GraphQLSchema; readonly policy: Pick<SecurityPolicy, 'sensitive'> },
): readonly SensitiveClasses[] {
  const { sensitive } = policy;
  if (sensitive.size === 0) return [];
  if (plan === null) return [...sensitive.values()].map(({ classes }) => classes);
  const carried = new Map<string, SensitiveClasses>();
  const take = (isMeant: (typeName: string, name: string) => boolean): void => {
    for (const [coordinate, { classes }] of sensitive) {
      const [typeName = '', name = ''] = coordinate.split('.');
      if (isMeant(typeName, name)) carried.set(coordinate, classes);
    }
  };
  for (const { query } of fetchesOf(plan)) {
    const types = new TypeInfo(schema);
    const Field = ({ name: { value } }: { readonly name: { readonly value: string } }): void => {
      const parent = types.getParentType();
      const known = parent == null || types.getFieldDef() == null ? null : getNamedType(parent);
      const names =
        known !== null && isAbstractType(known)
          ? new Set(schema.getPossibleTypes(known).map((each) => each.name))
          : null;
      take(
        (typeName, name) =>
          name === value &&
          (known === null || (names === null ? typeName === known.name : names.has(typeName))),
      );
    };
    visit(parse(query, { noLocation: true }), visitWithTypeInfo(types, { Field }));
  }
  return [...carried.values()];
}
