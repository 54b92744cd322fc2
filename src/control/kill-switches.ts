import type { Principal } from '../identity/principal.ts';
import { CoordinateIndex, hasBit, type ProductGraph } from './coordinate-index.ts';
import type { SwitchFacts } from './snapshot.ts';
import type { Switchable, Switches } from './switches.ts';

/** A graph, as far as switches look at it. */
export interface SwitchedGraph extends ProductGraph {
  readonly subgraphs: readonly { readonly name: string }[];
}

/** What the request path asks of the switches. */
export interface SwitchSource {
  /** What is switched off for a caller now; null where nothing is. */
  of(principal: Pick<Principal, 'tenant'>, graph: SwitchedGraph): Switches | null;
}

export interface KillSwitchOptions {
  /** What administers the gateway, which is never switched off, by its tag and its subgraph; null where nothing does. */
  readonly admin: { readonly tag: string; readonly subgraph: string } | null;
  /** Switches that hold as long as the process lives. */
  readonly fixed: readonly SwitchFacts[];
  /** Units: milliseconds since the epoch. */
  now(): number;
  /** Told of a switch that stands for nothing in a graph. */
  onUnknown(killSwitch: SwitchFacts): void;
}

/** Those of one tenant in one graph. Units: milliseconds since the epoch, `until` not included. */
interface Current {
  readonly switches: Switches | null;
  readonly until: number;
}

/** Name under which what holds for everybody is kept: no tenant has the empty slug. */
const EVERYBODY = '';

/**
 * Everything that is switched off, in memory; replaced whole.
 * Invariant: the end of a switch is judged by the clock at each request; nothing is worked out while nothing is switched off.
 */
export class KillSwitches implements SwitchSource {
  readonly #options: KillSwitchOptions;
  /** By the slug of the tenant that they hold for. */
  #switches: ReadonlyMap<string, readonly SwitchFacts[]> = new Map();
  #current = new WeakMap<SwitchedGraph, Map<string, Current>>();

  constructor(options: KillSwitchOptions) {
    this.#options = options;
    this.replace([]);
  }

  /** Takes the place of all switches before, but for those that are fixed. */
  replace(switches: readonly SwitchFacts[]): void {
    this.#switches = Map.groupBy([...this.#options.fixed, ...switches], ({ tenant }) => tenant ?? EVERYBODY);
    this.#current = new WeakMap();
  }

  of({ tenant }: Pick<Principal, 'tenant'>, graph: SwitchedGraph): Switches | null {
    if (this.#switches.size === 0) return null;
    const owner = tenant !== null && this.#switches.has(tenant) ? tenant : EVERYBODY;
    const ofGraph = this.#current.get(graph) ?? new Map<string, Current>();
    const known = ofGraph.get(owner);
    const now = this.#options.now();
    if (known !== undefined && now < known.until) return known.switches;
    const made = this.#compile(owner, graph, now);
    this.#current.set(graph, ofGraph.set(owner, made));
    return made.switches;
  }

  #compile(owner: string, graph: SwitchedGraph, now: number): Current {
    const owners = owner === EVERYBODY ? [EVERYBODY] : [EVERYBODY, owner];
    const live = owners
      .flatMap((each) => this.#switches.get(each) ?? [])
      .filter(({ expiresAt }) => expiresAt === null || now < expiresAt);
    const until = Math.min(...live.map(({ expiresAt }) => expiresAt ?? Number.POSITIVE_INFINITY));
    if (live.length === 0) return { switches: null, until };
    const index = new CoordinateIndex(graph);
    const { admin, onUnknown } = this.#options;
    for (const each of live.filter((one) => standsForNothing(one, graph, { index, admin }))) onUnknown(each);
    return { switches: new CompiledSwitches(live, graph, { index, admin }), until };
  }
}

interface CompileDeps extends Pick<KillSwitchOptions, 'admin'> {
  readonly index: CoordinateIndex;
}

function standsForNothing(
  { kind, target }: SwitchFacts,
  { subgraphs }: SwitchedGraph,
  { index, admin }: CompileDeps,
): boolean {
  if (kind === 'subgraph')
    return target === admin?.subgraph || subgraphs.every(({ name }) => name !== target);
  return kind === 'field' && coordinatesOf([target], index).size === 0;
}

function coordinatesOf(coordinates: readonly string[], index: CoordinateIndex): ReadonlySet<string> {
  const bits = index.empty();
  index.add(bits, { coordinates, tags: [] });
  return new Set(index.names((number) => hasBit(bits, number)));
}

interface Verdict {
  readonly stops: boolean;
  readonly fields: readonly number[];
}

const NOTHING: Verdict = Object.freeze({ stops: false, fields: Object.freeze([]) });

class CompiledSwitches implements Switches {
  readonly #mutations: boolean;
  readonly #operations: ReadonlySet<string>;
  readonly #subgraphs: ReadonlySet<string>;
  readonly #fields: ReadonlySet<string>;
  /** Names of types and fields that administer the gateway. */
  readonly #administering: ReadonlySet<string>;
  readonly #verdicts = new WeakMap<Switchable, Verdict>();

  constructor(switches: readonly SwitchFacts[], graph: SwitchedGraph, { index, admin }: CompileDeps) {
    const named = (wanted: SwitchFacts['kind']) =>
      switches.flatMap(({ kind, target }) => (kind === wanted ? [target] : []));
    this.#mutations = named('mutations').length > 0;
    this.#operations = new Set(named('operation'));
    this.#subgraphs = new Set(named('subgraph').filter((name) => name !== admin?.subgraph));
    this.#fields = coordinatesOf(named('field'), index);
    this.#administering = (admin === null ? undefined : graph.tags.get(admin.tag)) ?? new Set();
  }

  stops(operation: Switchable): boolean {
    return this.#judge(operation).stops;
  }

  fieldsOff(operation: Switchable): readonly number[] {
    return this.#judge(operation).fields;
  }

  isSubgraphOff(name: string): boolean {
    return this.#subgraphs.has(name);
  }

  #judge(operation: Switchable): Verdict {
    const known = this.#verdicts.get(operation);
    if (known !== undefined) return known;
    const verdict = this.#administers(operation) ? NOTHING : this.#verdict(operation);
    this.#verdicts.set(operation, verdict);
    return verdict;
  }

  #verdict({ hash, name, type, selected }: Switchable): Verdict {
    const named = this.#operations.has(hash) || (name !== null && this.#operations.has(name));
    return {
      stops: named || (this.#mutations && type === 'mutation'),
      fields: selected.flatMap(({ coordinate }, at) => (this.#fields.has(coordinate) ? [at] : [])),
    };
  }

  /** Whether an operation reaches nothing but the administration of the gateway. */
  #administers({ coordinates }: Switchable): boolean {
    const isAdmin = (coordinate: string): boolean => {
      const [typeName = ''] = coordinate.split('.');
      return this.#administering.has(coordinate) || this.#administering.has(typeName);
    };
    return coordinates.length > 0 && coordinates.every(isAdmin);
  }
}
