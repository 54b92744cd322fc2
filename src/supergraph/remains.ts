import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isSpecifiedScalarType,
  isUnionType,
} from 'graphql';

/** Says of `Type`, `Type.member`, `Type.field(argument:)` or `@directive(argument:)` whether it may be known. */
export type IsVisible = (coordinate: string) => boolean;

/** What of a schema remains; coordinates as for `IsVisible`. */
export interface Remains {
  has(coordinate: string): boolean;
}

type FieldsType = GraphQLObjectType | GraphQLInterfaceType;

/**
 * Finds what of a schema remains where some of it may not be known: what loses its type, its last member or an input
 * that it requires goes too, until nothing more goes.
 * Invariant: what remains makes a valid schema, save that Query may be gone. An interface keeps a field only where
 * all its remaining implementations do, so that nothing selected on it is refused.
 */
export function remainsOf(schema: GraphQLSchema, isVisible: IsVisible): Remains {
  const pruning = new Pruning(schema, isVisible);
  // Rules of interfaces last: a type that goes by itself takes no field of its interfaces along.
  do {
    while (pruning.pruneTypes());
  } while (pruning.pruneInterfaces());
  return { has: (coordinate) => !pruning.gone.has(coordinate) };
}

class Pruning {
  readonly gone = new Set<string>();
  readonly #schema: GraphQLSchema;
  readonly #types: readonly GraphQLNamedType[];

  constructor(schema: GraphQLSchema, isVisible: IsVisible) {
    this.#schema = schema;
    this.#types = Object.values(schema.getTypeMap()).filter(
      (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
    );
    for (const coordinate of this.#coordinates()) if (!isVisible(coordinate)) this.gone.add(coordinate);
  }

  /** One round over what each type has by itself; true where something went. */
  pruneTypes(): boolean {
    const before = this.gone.size;
    for (const type of this.#types) {
      if (!this.gone.has(type.name)) this.#pruneType(type);
    }
    for (const { name, args } of this.#schema.getDirectives()) {
      if (this.#pruneArguments(`@${name}`, args)) this.gone.add(`@${name}`);
    }
    return this.gone.size > before;
  }

  /** One round over what interfaces have to share with their implementations; true where something went. */
  pruneInterfaces(): boolean {
    const before = this.gone.size;
    for (const type of this.#types) {
      if (!isInterfaceType(type) || this.gone.has(type.name)) continue;
      const { objects, interfaces } = this.#schema.getImplementations(type);
      const remaining = [...objects, ...interfaces].filter(({ name }) => !this.gone.has(name));
      for (const field of Object.values(type.getFields())) {
        const suffixes = [`.${field.name}`, ...field.args.map(({ name }) => `.${field.name}(${name}:)`)];
        for (const suffix of suffixes) {
          if (remaining.some(({ name }) => this.gone.has(name + suffix))) this.gone.add(type.name + suffix);
        }
      }
    }
    return this.gone.size > before;
  }

  *#coordinates(): Generator<string> {
    for (const type of this.#types) {
      yield type.name;
      if (isEnumType(type)) for (const { name } of type.getValues()) yield `${type.name}.${name}`;
      if (!('getFields' in type)) continue;
      for (const field of Object.values(type.getFields())) {
        yield `${type.name}.${field.name}`;
        if (!('args' in field)) continue;
        for (const { name } of field.args) yield `${type.name}.${field.name}(${name}:)`;
      }
    }
    for (const { name, args } of this.#schema.getDirectives()) {
      for (const argument of args) yield `@${name}(${argument.name}:)`;
    }
  }

  #pruneType(type: GraphQLNamedType): void {
    if (isObjectType(type) || isInterfaceType(type)) this.#pruneFields(type);
    else if (isInputObjectType(type)) this.#pruneInputs(type.name, Object.values(type.getFields()));
    else if (isEnumType(type)) this.#goWithout(type.name, type.getValues());
    else if (isUnionType(type) && type.getTypes().every(({ name }) => this.gone.has(name))) {
      this.gone.add(type.name);
    }
  }

  #pruneFields(type: FieldsType): void {
    const fields = Object.values(type.getFields());
    for (const field of fields) {
      const coordinate = `${type.name}.${field.name}`;
      const losesArgument = this.#pruneArguments(coordinate, field.args);
      if (losesArgument || this.#isGone(field)) this.gone.add(coordinate);
    }
    this.#goWithout(type.name, fields);
    if (!isInterfaceType(type)) return;
    const possible = this.#schema.getPossibleTypes(type);
    if (possible.length > 0 && possible.every(({ name }) => this.gone.has(name))) this.gone.add(type.name);
  }

  /** Removes arguments whose type is gone; true where one of those that are gone must be given. */
  #pruneArguments(owner: string, args: readonly GraphQLArgument[]): boolean {
    let losesRequired = false;
    for (const argument of args) {
      const coordinate = `${owner}(${argument.name}:)`;
      if (this.#isGone(argument)) this.gone.add(coordinate);
      if (this.gone.has(coordinate) && isRequiredArgument(argument)) losesRequired = true;
    }
    return losesRequired;
  }

  #pruneInputs(typeName: string, fields: readonly GraphQLInputField[]): void {
    for (const field of fields) {
      const coordinate = `${typeName}.${field.name}`;
      if (this.#isGone(field)) this.gone.add(coordinate);
      if (this.gone.has(coordinate) && isRequiredInputField(field)) this.gone.add(typeName);
    }
    this.#goWithout(typeName, fields);
  }

  #goWithout(typeName: string, members: readonly { readonly name: string }[]): void {
    if (members.every(({ name }) => this.gone.has(`${typeName}.${name}`))) this.gone.add(typeName);
  }

  #isGone({ type }: { readonly type: GraphQLType }): boolean {
    return this.gone.has(getNamedType(type).name);
  }
}
