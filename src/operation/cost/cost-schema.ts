import { type GraphQLSchema, isInterfaceType, isObjectType } from 'graphql';
import type { CostRules, ListSize } from '../../supergraph/policy.ts';

/** Sizes of lists about which the schema says nothing. */
export interface CostSizes {
  readonly listSize: number;
  /** By name, for the cost of single subgraphs. */
  readonly perSubgraph: ReadonlyMap<string, number>;
}

/** All that costs depend on besides the schema's types. */
export interface CostSettings {
  readonly rules: CostRules;
  readonly sizes: CostSizes;
}

/** The cost rules of a schema as an operation meets them: a concrete type inherits what its interfaces say. */
export class CostSchema {
  readonly schema: GraphQLSchema;
  readonly sizes: CostSizes;
  readonly #rules: CostRules;

  constructor(schema: GraphQLSchema, { rules, sizes }: CostSettings) {
    this.sizes = sizes;
    this.schema = schema;
    this.#rules = rules;
  }

  /** Weight of a type, or null where the schema gives it none. */
  ofType(typeName: string): number | null {
    return this.#rules.weights.get(typeName) ?? null;
  }

  /** Weight of a field, an argument (`field(argument:)`) or an input field; the heaviest of the interfaces where its own is not given. */
  ofMember(typeName: string, member: string): number | null {
    const own = this.#rules.weights.get(`${typeName}.${member}`);
    if (own !== undefined) return own;
    const inherited = this.#interfacesOf(typeName).flatMap(
      (name) => this.#rules.weights.get(`${name}.${member}`) ?? [],
    );
    return inherited.length === 0 ? null : Math.max(...inherited);
  }

  listSize(typeName: string, field: string): ListSize | null {
    for (const name of [typeName, ...this.#interfacesOf(typeName)]) {
      const size = this.#rules.listSizes.get(`${name}.${field}`);
      if (size !== undefined) return size;
    }
    return null;
  }

  /** What an object of the type costs by itself. Introspection is answered by the gateway and costs nothing. */
  weightOfObject(typeName: string): number {
    return this.ofType(typeName) ?? (typeName.startsWith('__') ? 0 : 1);
  }

  #interfacesOf(typeName: string): readonly string[] {
    const type = this.schema.getType(typeName);
    return isObjectType(type) || isInterfaceType(type) ? type.getInterfaces().map(({ name }) => name) : [];
  }
}
