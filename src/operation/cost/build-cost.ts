import { type GraphQLOutputType, getNamedType, isListType, isNonNullType } from 'graphql';
import type { Condition, When } from '../condition.ts';
import { anyOf } from '../condition-table.ts';
import type { FieldUse, Position } from '../expand.ts';
import type { Plan } from '../plan.ts';
import type { Verdicts } from '../verdicts.ts';
import type { CostSchema } from './cost-schema.ts';
import { evaluateCost } from './evaluate-cost.ts';
import { type CostFormula, MUTATION_COST } from './formula.ts';
import { argumentsCost, sliceAt } from './input-cost.ts';
import { NodeTable } from './node-table.ts';
import { type SubgraphPaths, subgraphPaths } from './subgraph-paths.ts';

/** One field of an operation on one type, as node indexes: what explains a cost line by line. */
export interface CostLine {
  readonly path: readonly string[];
  readonly coordinate: string;
  readonly instances: number;
  /** Of one instance, with all below it. */
  readonly item: number;
  readonly arguments: number;
  readonly total: number;
}

export interface CostInput {
  readonly root: Position;
  readonly type: 'query' | 'mutation' | 'subscription';
  readonly verdicts: Verdicts;
  readonly conditions: readonly Condition[];
  readonly plan: Plan | null;
}

/** Writes the cost of what the verdicts leave of an operation as a formula over its variables. */
export function buildCost(input: CostInput, costs: CostSchema, lines?: CostLine[]): CostFormula {
  const table = new NodeTable();
  const { sizes } = costs;
  const build = (counting: Partial<Counting>): number =>
    new CostBuilder(input.verdicts, costs, { table, listSize: sizes.listSize, ...counting }).root(input.root);
  const operation = table.constant(input.type === 'mutation' ? MUTATION_COST : 0);
  const total = table.sum([operation, build(lines === undefined ? {} : { lines })]);
  const base = table.sum([operation, build({ argumentsOnly: true })]);
  const subgraphs = [...subgraphPaths(input.plan)].map(([name, paths]) => {
    const listSize = sizes.perSubgraph.get(name) ?? sizes.listSize;
    const own = table.constant(paths.mutates ? MUTATION_COST : 0);
    return [name, table.sum([own, build({ paths, listSize })])] as const;
  });
  const { nodes } = table;
  const formula = { conditions: [...input.conditions], nodes, total, base, subgraphs, fixed: null };
  const open = nodes.some(({ kind }) => kind === 'when' || kind === 'size' || kind === 'input');
  return open || lines !== undefined ? formula : { ...formula, nodes: [], fixed: evaluateCost(formula, {}) };
}

/** What one walk over the operation counts. */
interface Counting {
  readonly table: NodeTable;
  readonly listSize: number;
  /** Counts only what one subgraph resolves. */
  readonly paths?: SubgraphPaths;
  /** Counts each argument once and nothing else. */
  readonly argumentsOnly?: boolean;
  readonly lines?: CostLine[];
}

/** A size that a field above gave to a list below it. */
interface InheritedSize {
  readonly path: readonly string[];
  readonly size: number;
}

/** Where the walk is. */
interface Place {
  readonly path: readonly string[];
  readonly sizes: readonly InheritedSize[];
  /** Conditions known to hold here. */
  readonly held: readonly number[];
  /** Weight that the field above gives to each object here; null where the type decides. */
  readonly weight: number | null;
}

class CostBuilder {
  readonly #verdicts: Verdicts;
  readonly #costs: CostSchema;
  readonly #counting: Counting;
  readonly #table: NodeTable;
  readonly #known = new Map<string, number>();

  constructor(verdicts: Verdicts, costs: CostSchema, counting: Counting) {
    this.#verdicts = verdicts;
    this.#costs = costs;
    this.#counting = counting;
    this.#table = counting.table;
  }

  root(position: Position): number {
    return this.#objects([position], { path: [], sizes: [], held: [], weight: 0 });
  }

  /** Cost of one object and all below it: that of the costliest type it may have. */
  #objects(positions: readonly Position[], place: Place): number {
    const uses = positions.flatMap((position) => position.uses);
    const types = [...new Set(positions.flatMap((position) => position.types))];
    const key = JSON.stringify([place, types, uses.map(({ id }) => id)]);
    const known = this.#known.get(key);
    if (known !== undefined && this.#counting.lines === undefined) return known;
    const perType = types.map((typeName) => {
      const weight = this.#weight(place.path, place.weight ?? this.#costs.weightOfObject(typeName));
      // Objects of a refused type come back and are dropped; nothing below them is asked for.
      const refused = positions.some((position) => this.#verdicts.refusedTypes(position).has(typeName));
      const fields = refused ? [] : this.#fields(typeName, uses, place);
      return this.#table.sum([this.#table.constant(weight), ...fields]);
    });
    const most = this.#table.max(perType);
    this.#known.set(key, most);
    return most;
  }

  #weight(path: readonly string[], weight: number): number {
    const { paths, argumentsOnly } = this.#counting;
    return argumentsOnly === true || paths?.has(path) === false ? 0 : weight;
  }

  #fields(typeName: string, uses: readonly FieldUse[], place: Place): number[] {
    const byKey = Map.groupBy(
      uses.filter((use) => use.on.has(typeName) && this.#verdicts.ofUse(use).allowed.includes(typeName)),
      (use) => use.key,
    );
    return [...byKey.values()].map((same) => this.#field(typeName, same, place));
  }

  /** `instances × (weight + children) + arguments`, for selections of one response key on one type. */
  #field(typeName: string, uses: readonly FieldUse[], place: Place): number {
    const [use] = uses;
    const field = use?.on.get(typeName);
    // Introspection is answered by the gateway and costs no subgraph anything.
    if (use === undefined || field === undefined || use.name.startsWith('__')) return this.#table.constant(0);
    const table = this.#table;
    const path = [...place.path, use.key];
    const when = this.#when(uses, place.held);
    const held = when?.length === 1 ? [...place.held, ...(when[0] ?? [])] : place.held;
    const size = this.#sizeOf(use, typeName, place);
    const levels = this.#counting.argumentsOnly === true ? 0 : listLevels(field.type);
    const instances = table.product(Array.from({ length: levels }, () => size.own));
    const weight = this.#costs.ofMember(typeName, use.name);
    const line = this.#counting.lines?.length ?? 0;
    const children = uses.flatMap((each) => (each.children === null ? [] : [each.children]));
    const item =
      children.length === 0
        ? table.constant(this.#weight(path, weight ?? this.#costs.ofType(getNamedType(field.type).name) ?? 0))
        : this.#objects(children, { path, sizes: size.below, held, weight });
    const given =
      this.#counting.paths?.has(path) === false
        ? table.constant(0)
        : argumentsCost({ use, typeName }, this.#costs, table);
    const total = table.when(when, table.sum([table.product([instances, item]), given]));
    this.#counting.lines?.splice(line, 0, {
      path,
      coordinate: `${typeName}.${use.name}`,
      instances,
      item,
      arguments: given,
      total,
    });
    return total;
  }

  /** When any of the selections is on, without what is known to hold here. */
  #when(uses: readonly FieldUse[], held: readonly number[]): When {
    return anyOf(uses.map((use) => use.when.filter((index) => !held.includes(index))));
  }

  /** Size of the field's own list, and those it gives to lists below it. */
  #sizeOf(
    use: FieldUse,
    typeName: string,
    { sizes }: Place,
  ): { readonly own: number; readonly below: readonly InheritedSize[] } {
    const table = this.#table;
    const passed = sizes.filter(({ path }) => path[0] === use.name);
    const below = passed.flatMap(({ path, size }) =>
      path.length > 1 ? [{ path: path.slice(1), size }] : [],
    );
    const inherited = passed.find(({ path }) => path.length === 1)?.size;
    const rule = this.#costs.listSize(typeName, use.name);
    if (rule === null) return { own: inherited ?? table.constant(this.#counting.listSize), below };
    const slices = rule.slicingArguments.flatMap((path) => sliceAt(use, typeName, path) ?? []);
    const size = table.add(
      {
        kind: 'size',
        coordinate: `${typeName}.${use.name}`,
        slices,
        otherwise: rule.assumedSize ?? this.#counting.listSize,
        // Arguments that clients cannot see are none that they could give.
        requireOne: rule.requireOneSlicingArgument && slices.length > 0,
      },
      slices.every((slice) => !('variable' in slice)),
    );
    return {
      own: inherited ?? size,
      below: [...below, ...rule.sizedFields.map((path) => ({ path, size }))],
    };
  }
}

function listLevels(type: GraphQLOutputType): number {
  if (isNonNullType(type)) return listLevels(type.ofType);
  return isListType(type) ? 1 + listLevels(type.ofType) : 0;
}
