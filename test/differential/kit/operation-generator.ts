import {
  type GraphQLArgument,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isUnionType,
  parse,
  validate,
} from 'graphql';

/** What the generator may use as identifiers, so that look-ups find something. */
export interface GeneratorOptions {
  readonly seed: number;
  readonly ids: readonly string[];
  readonly depthMax: number;
  /** Coordinates, `Type.field`, that are never selected. */
  readonly avoid?: ReadonlySet<string>;
}

export interface GeneratedOperation {
  readonly text: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

const SWITCHES = ['yes', 'no', 'perhaps'] as const;
const ATTEMPTS_MAX = 20;
/** Apollo's planner takes up to a minute for a longer one over interfaces of entities. Units: UTF-16 code units. */
const TEXT_MAX = 2_000;

/** Writes a valid random operation over a schema; the same seed gives the same one. */
export function generateOperation(schema: GraphQLSchema, options: GeneratorOptions): GeneratedOperation {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const writer = new Writer(schema, options, options.seed * 31 + attempt);
    const written = writer.operation();
    if (written.text.length > TEXT_MAX) continue;
    if (validate(schema, parse(written.text)).length === 0) return written;
  }
  return { text: '{ __typename }', variables: {} };
}

class Writer {
  readonly #schema: GraphQLSchema;
  readonly #options: GeneratorOptions;
  readonly #definitions: string[] = [];
  readonly #variables: Record<string, unknown> = {};
  readonly #fragments: string[] = [];
  readonly #switches = new Set<string>();
  #state: number;
  #names = 0;

  constructor(schema: GraphQLSchema, options: GeneratorOptions, seed: number) {
    this.#schema = schema;
    this.#options = options;
    this.#state = (seed * 2_654_435_761) >>> 0;
  }

  operation(): GeneratedOperation {
    const root = this.#schema.getQueryType();
    if (root == null) throw new TypeError('The schema has no query type.');
    const body = this.#set(root, this.#options.depthMax);
    for (const name of this.#switches) {
      this.#definitions.push(`$${name}: Boolean!`);
      this.#variables[name] = name === 'yes' || (name === 'perhaps' && this.#chance(0.5));
    }
    const head = this.#definitions.length === 0 ? '' : `(${this.#definitions.join(', ')})`;
    const text = [`query Generated${head} ${body}`, ...this.#fragments].join('\n');
    return { text, variables: this.#variables };
  }

  /** Mulberry32. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  #chance(probability: number): boolean {
    return this.#next() < probability;
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.#next() * from.length)];
  }

  #set(type: GraphQLCompositeType, depth: number): string {
    const parts: string[] = [];
    const count = 1 + Math.floor(this.#next() * 4);
    for (let index = 0; index < count; index += 1) parts.push(...this.#selection(type, depth));
    return parts.length === 0 ? '{ __typename }' : `{ ${parts.join(' ')} }`;
  }

  #selection(type: GraphQLCompositeType, depth: number): string[] {
    if (this.#chance(0.08)) return ['__typename'];
    if (this.#chance(isAbstractType(type) ? 0.5 : 0.12)) {
      const on = this.#condition(type);
      if (this.#chance(0.3)) return [this.#spread(on, depth)];
      const condition = on === type && this.#chance(0.5) ? '' : ` on ${on.name}`;
      return [`...${condition}${this.#directive()} ${this.#set(on, depth - 1)}`];
    }
    if (isUnionType(type)) return ['__typename'];
    const fields = Object.values(type.getFields()).filter(
      (field) =>
        this.#options.avoid?.has(`${type.name}.${field.name}`) !== true &&
        (depth > 1 || !isCompositeType(getNamedType(field.type))),
    );
    const field = this.#pick(fields);
    return field === undefined ? [] : [this.#field(field, depth)];
  }

  #condition(type: GraphQLCompositeType): GraphQLCompositeType {
    if (isAbstractType(type)) return this.#pick(this.#schema.getPossibleTypes(type)) ?? type;
    if (isUnionType(type)) return type;
    return (this.#chance(0.4) ? this.#pick(type.getInterfaces()) : undefined) ?? type;
  }

  #spread(type: GraphQLCompositeType, depth: number): string {
    const name = `F${this.#names++}`;
    this.#fragments.push(`fragment ${name} on ${type.name} ${this.#set(type, depth - 1)}`);
    return `...${name}${this.#directive()}`;
  }

  #directive(): string {
    if (!this.#chance(0.2)) return '';
    const which = this.#chance(0.5) ? 'include' : 'skip';
    if (this.#chance(0.3)) return ` @${which}(if: ${this.#chance(0.5)})`;
    const name = this.#pick(SWITCHES) ?? 'yes';
    this.#switches.add(name);
    return ` @${which}(if: $${name})`;
  }

  #field(field: GraphQLField<unknown, unknown>, depth: number): string {
    const args = field.args.flatMap((argument) => this.#argument(argument));
    const aliased = args.length > 0 || this.#chance(0.2);
    const alias = aliased ? `a${this.#names++}: ` : '';
    const named = getNamedType(field.type);
    const below = isCompositeType(named) ? ` ${this.#set(named, depth - 1)}` : '';
    const given = args.length === 0 ? '' : `(${args.join(', ')})`;
    return `${alias}${field.name}${given}${this.#directive()}${below}`;
  }

  #argument({ name, type, defaultValue }: GraphQLArgument): string[] {
    const required = isNonNullType(type) && defaultValue === undefined;
    if (!required && this.#chance(0.4)) return [];
    const value = this.#value(type);
    if (this.#chance(0.5)) return [`${name}: ${literal(value, type)}`];
    const variable = `v${this.#names++}`;
    this.#definitions.push(`$${variable}: ${type}`);
    this.#variables[variable] = value;
    return [`${name}: $${variable}`];
  }

  #value(type: GraphQLInputType): unknown {
    if (isNonNullType(type)) return this.#value(type.ofType);
    if (isListType(type)) return [this.#value(type.ofType), this.#value(type.ofType)];
    if (isEnumType(type)) return this.#pick(type.getValues())?.name;
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).filter(
        (field) =>
          isNonNullType(field.type) || (!isInputObjectType(getNamedType(field.type)) && this.#chance(0.5)),
      );
      return Object.fromEntries(fields.map((field) => [field.name, this.#value(field.type)]));
    }
    if (type.name === 'Int' || type.name === 'Float') return 1 + Math.floor(this.#next() * 5);
    if (type.name === 'Boolean') return this.#chance(0.5);
    return this.#pick(this.#options.ids) ?? 'x';
  }
}

/** A value as GraphQL writes it. */
function literal(value: unknown, type: GraphQLInputType): string {
  if (isNonNullType(type)) return literal(value, type.ofType);
  if (Array.isArray(value) && isListType(type))
    return `[${value.map((item) => literal(item, type.ofType)).join(', ')}]`;
  if (isEnumType(type)) return String(value);
  if (isInputObjectType(type)) {
    const fields = type.getFields();
    const parts = Object.entries(value as Record<string, unknown>).map(([key, item]) => {
      const field = fields[key];
      return field === undefined ? '' : `${key}: ${literal(item, field.type)}`;
    });
    return `{${parts.join(', ')}}`;
  }
  return JSON.stringify(value);
}
