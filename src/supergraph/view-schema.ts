import {
  GraphQLDirective,
  GraphQLEnumType,
  type GraphQLFieldConfigArgumentMap,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLInterfaceType,
  GraphQLList,
  type GraphQLNamedType,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLSchema,
  type GraphQLType,
  GraphQLUnionType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql';
import { type IsVisible, type Remains, remainsOf } from './remains.ts';

/**
 * The schema as one set of callers may know it; null where Query keeps no field.
 * Invariant: a valid schema that holds nothing that is not visible, and nothing that its roots do not reach. A document
 * that is valid on it is valid on the whole schema.
 */
export function viewSchema(schema: GraphQLSchema, isVisible: IsVisible): GraphQLSchema | null {
  const remains = remainsOf(schema, isVisible);
  const query = schema.getQueryType();
  if (query == null || !remains.has(query.name)) return null;
  const builder = new ViewBuilder(schema, remains);
  const root = (type: GraphQLObjectType | null | undefined): GraphQLObjectType | null =>
    type == null || !remains.has(type.name) ? null : builder.named(type);
  return new GraphQLSchema({
    description: schema.description,
    query: builder.named(query),
    mutation: root(schema.getMutationType()),
    subscription: root(schema.getSubscriptionType()),
    directives: builder.directives(),
    types: builder.implementations(),
    assumeValid: true,
  });
}

class ViewBuilder {
  readonly #schema: GraphQLSchema;
  readonly #remains: Remains;
  readonly #built = new Map<string, GraphQLNamedType>();

  constructor(schema: GraphQLSchema, remains: Remains) {
    this.#schema = schema;
    this.#remains = remains;
  }

  named<Named extends GraphQLNamedType>(type: Named): Named {
    const known = this.#built.get(type.name);
    if (known !== undefined) return known as Named;
    const built = this.#build(type);
    this.#built.set(type.name, built);
    return built as Named;
  }

  directives(): GraphQLDirective[] {
    return this.#schema.getDirectives().flatMap((directive) => {
      const owner = `@${directive.name}`;
      if (!this.#remains.has(owner)) return [];
      const config = directive.toConfig();
      return [new GraphQLDirective({ ...config, astNode: null, args: this.#arguments(owner, config.args) })];
    });
  }

  /** Objects that are reached only as what implements a reached interface. */
  implementations(): GraphQLNamedType[] {
    const found = new Set<GraphQLNamedType>();
    const seen = new Set<string>();
    const queue: GraphQLNamedType[] = this.#roots();
    for (let type = queue.pop(); type !== undefined; type = queue.pop()) {
      if (seen.has(type.name) || !this.#remains.has(type.name)) continue;
      seen.add(type.name);
      if (isInterfaceType(type)) {
        const { objects, interfaces } = this.#schema.getImplementations(type);
        for (const implementation of [...objects, ...interfaces]) {
          if (this.#remains.has(implementation.name)) found.add(implementation);
          queue.push(implementation);
        }
      }
      queue.push(...this.#usedBy(type));
    }
    return [...found].map((type) => this.named(type));
  }

  #roots(): GraphQLNamedType[] {
    const { query, mutation, subscription } = this.#schema.toConfig();
    return [query, mutation, subscription].flatMap((type) => (type == null ? [] : [type]));
  }

  *#usedBy(type: GraphQLNamedType): Generator<GraphQLNamedType> {
    if (isUnionType(type)) yield* type.getTypes();
    if (!isObjectType(type) && !isInterfaceType(type)) return;
    yield* type.getInterfaces();
    for (const field of Object.values(type.getFields())) {
      if (this.#remains.has(`${type.name}.${field.name}`)) yield getNamedType(field.type);
    }
  }

  #build(type: GraphQLNamedType): GraphQLNamedType {
    if (isObjectType(type)) return new GraphQLObjectType(this.#fieldsConfig(type));
    if (isInterfaceType(type)) return new GraphQLInterfaceType(this.#fieldsConfig(type));
    if (isUnionType(type)) {
      const { name, description } = type;
      return new GraphQLUnionType({ name, description, types: () => this.#remaining(type.getTypes()) });
    }
    if (isEnumType(type)) return this.#enum(type);
    if (isInputObjectType(type)) return this.#input(type);
    return type;
  }

  #fieldsConfig(type: GraphQLObjectType | GraphQLInterfaceType) {
    const { name, description } = type;
    return {
      name,
      description,
      interfaces: () => this.#remaining(type.getInterfaces()),
      fields: () => this.#fields(name, type.toConfig().fields),
    };
  }

  #fields(typeName: string, fields: ReturnType<GraphQLObjectType['toConfig']>['fields']) {
    const entries = Object.entries(fields).filter(([name]) => this.#remains.has(`${typeName}.${name}`));
    return Object.fromEntries(
      entries.map(([name, { description, deprecationReason, type, args }]) => [
        name,
        {
          description,
          deprecationReason,
          type: this.#wrapped(type) as GraphQLOutputType,
          args: this.#arguments(`${typeName}.${name}`, args ?? {}),
        },
      ]),
    );
  }

  #arguments(owner: string, args: GraphQLFieldConfigArgumentMap): GraphQLFieldConfigArgumentMap {
    const entries = Object.entries(args).filter(([name]) => this.#remains.has(`${owner}(${name}:)`));
    return Object.fromEntries(entries.map(([name, config]) => [name, this.#inputValue(config)]));
  }

  #inputValue({ type, description, defaultValue, deprecationReason }: GraphQLFieldConfigArgumentMap[string]) {
    return {
      description,
      defaultValue,
      deprecationReason,
      type: this.#wrapped(type) as GraphQLInputType,
    };
  }

  #input(type: GraphQLInputObjectType): GraphQLInputObjectType {
    const { name, description, isOneOf } = type;
    const fields = () => {
      const entries = Object.entries(type.toConfig().fields).filter(([field]) =>
        this.#remains.has(`${name}.${field}`),
      );
      return Object.fromEntries(entries.map(([field, config]) => [field, this.#inputValue(config)]));
    };
    return new GraphQLInputObjectType({ name, description, isOneOf, fields });
  }

  #enum(type: GraphQLEnumType): GraphQLEnumType {
    const { name, description, values } = type.toConfig();
    const entries = Object.entries(values).filter(([value]) => this.#remains.has(`${name}.${value}`));
    return new GraphQLEnumType({ name, description, values: Object.fromEntries(entries) });
  }

  #remaining<Named extends GraphQLNamedType>(types: readonly Named[]): Named[] {
    return types.filter(({ name }) => this.#remains.has(name)).map((type) => this.named(type));
  }

  #wrapped(type: GraphQLType): GraphQLType {
    if (isNonNullType(type)) return new GraphQLNonNull(this.#wrapped(type.ofType));
    if (isListType(type)) return new GraphQLList(this.#wrapped(type.ofType));
    return this.named(type);
  }
}
