import type { GraphQLField, GraphQLSchema } from 'graphql';

/** A resolver that does not ask what is selected below it. */
type OwnResolver = (
  source: undefined,
  values: Readonly<Record<string, unknown>>,
  context: unknown,
) => unknown;

/** What a root field resolved to already: the library completes it without resolving it again. */
export class Replay {
  readonly outcome: { readonly value: unknown } | { readonly thrown: unknown };

  private constructor(outcome: Replay['outcome']) {
    this.outcome = outcome;
  }

  /** Never rejects. */
  static async of(resolve: () => unknown): Promise<Replay> {
    try {
      return new Replay({ value: await resolve() });
    } catch (thrown) {
      return new Replay({ thrown });
    }
  }

  /** Throws: what the resolver threw. */
  give(): unknown {
    if ('thrown' in this.outcome) throw this.outcome.thrown;
    return this.outcome.value;
  }
}

/** Resolvers as they were before their fields came to replay. */
const own = new WeakMap<object, OwnResolver>();
/** Source, values and context; one that takes more is told by the library what is selected. */
const OWN_PARAMETERS_MAX = 3;

/** Has the root fields of queries and mutations give what a `Replay` has, where one is the root. */
export function replayRoots(schema: GraphQLSchema): void {
  for (const type of [schema.getQueryType(), schema.getMutationType()]) {
    for (const field of Object.values(type?.getFields() ?? {})) {
      const { resolve } = field;
      if (resolve === undefined) continue;
      if (resolve.length <= OWN_PARAMETERS_MAX)
        own.set(field, (...given) => Reflect.apply(resolve, undefined, given));
      field.resolve = (source, values, context, info) =>
        source instanceof Replay ? source.give() : resolve(source, values, context, info);
    }
  }
}

/** The resolver of a root field that can be replayed and does not ask what is selected; null where it has none. */
export function ownResolverOf(field: GraphQLField<unknown, unknown>): OwnResolver | null {
  return own.get(field) ?? null;
}
