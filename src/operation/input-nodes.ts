import { type GraphQLInputType, type GraphQLNamedInputType, getNamedType, isInputObjectType } from 'graphql';
import type { InputNode } from './condition.ts';

/** A type and every input type that its values may hold, each once. */
export function inputTypes(type: GraphQLInputType): ReadonlySet<GraphQLNamedInputType> {
  const found = new Set([getNamedType(type)]);
  // A set is walked in order of insertion, what is added meanwhile included.
  for (const named of found) {
    if (!isInputObjectType(named)) continue;
    for (const field of Object.values(named.getFields())) found.add(getNamedType(field.type));
  }
  return found;
}

/**
 * Describes where values of an input type may hold a value of a protected one, the type itself first. Only fields that can
 * lead there are kept; types that recur refer to themselves, so that the description is no larger than the schema.
 */
export function inputNodes(
  type: GraphQLInputType,
  isProtected: (typeName: string) => boolean,
): readonly InputNode[] {
  const start = getNamedType(type);
  const leading = [...inputTypes(start)].filter(
    (named) => named === start || [...inputTypes(named)].some(({ name }) => isProtected(name)),
  );
  const indexes = new Map(leading.map((named, index) => [named.name, index]));
  return leading.map((named) => ({
    isProtected: isProtected(named.name),
    fields: isInputObjectType(named)
      ? Object.values(named.getFields()).flatMap(({ name, type: of }) => {
          const index = indexes.get(getNamedType(of).name);
          return index === undefined ? [] : [[name, index] as const];
        })
      : [],
  }));
}
