import type { GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import { requiredCoordinates, seesAll, visibleTo } from './required-coordinates.ts';
import type { Supergraph } from './supergraph.ts';
import { viewSchema } from './view-schema.ts';

/** Views held by one worker; reason: callers differ in few ways, and a view is built again in milliseconds. */
const VIEWS_MAX = 64;
/** Types of all views together; reason: some 100 MB of schemas with ten fields to a type. */
const VIEW_TYPES_MAX = 20_000;

/** Schemas by what callers hold. */
export interface ViewSchemas {
  /** What callers who hold this may know, as `visibleTo` takes it; null where they may know nothing. */
  get(held: string): GraphQLSchema | null;
}

/** Holds the views used last; who holds every requirement sees what clients see, as it is. */
export function createViewSchemas({
  apiSchema,
  policy,
}: Pick<Supergraph, 'apiSchema' | 'policy'>): ViewSchemas {
  const views = new LRUCache<string, { readonly schema: GraphQLSchema | null }>({
    max: VIEWS_MAX,
    maxSize: VIEW_TYPES_MAX,
    sizeCalculation: ({ schema }) => (schema === null ? 1 : Object.keys(schema.getTypeMap()).length),
  });
  return {
    get(held) {
      if (seesAll(held)) return apiSchema;
      const known = views.get(held);
      if (known !== undefined) return known.schema;
      const schema = viewSchema(apiSchema, visibleTo(held, requiredCoordinates(policy)));
      views.set(held, { schema });
      return schema;
    },
  };
}
