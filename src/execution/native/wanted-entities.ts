import type { FetchStep, RequiredSelection } from '../../operation/plan.ts';
import type { DataObject } from './entities.ts';
import type { FoundEntities } from './found-entities.ts';
import { hasLeaves, type LeafKey, leafKeysOf, printLeaves, sameLeaves } from './leaf-key.ts';
import { representationOf } from './representation.ts';
import { rewriteData } from './rewrite-data.ts';

/** A fetch of entities. */
export type EntityFetch = FetchStep & { readonly requires: readonly RequiredSelection[] };

/** Objects of the answer that one representation stands for. */
export interface EntityGroup {
  /** The representation, as JSON. */
  readonly printed: string;
  /** Type name in it: of an interface where the subgraph knows the object by that only. */
  readonly sentType: unknown;
  readonly targets: EntityTarget[];
}

export interface EntityTarget {
  readonly entity: DataObject;
  readonly pathIndex: number;
  /** Place among the objects at that path. */
  readonly index: number;
}

/** The distinct representations of all objects at the fetch's paths, and whom each stands for. */
export function wantedEntities(found: Pick<FoundEntities, 'at'>, fetch: EntityFetch): EntityGroup[] {
  const grouping = new Grouping(fetch);
  for (const [pathIndex, path] of fetch.paths.entries()) {
    const entities = found.at(path);
    for (let index = 0; index < entities.length; index += 1) {
      grouping.add({ entity: entities[index] as DataObject, pathIndex, index });
    }
  }
  return grouping.groups;
}

/** Groups of one type whose key is leaves, by the first of them. */
interface TypeGroups {
  readonly typeName: string;
  readonly key: LeafKey;
  readonly byFirst: Map<unknown, EntityGroup>;
}

class Grouping {
  readonly groups: EntityGroup[] = [];
  readonly #fetch: EntityFetch;
  readonly #leafKeys: ReadonlyMap<string, LeafKey>;
  readonly #byType = new Map<string, TypeGroups>();
  readonly #byText = new Map<string, EntityGroup>();
  /** Those of the object before: almost always the same again. */
  #last: TypeGroups | undefined;

  constructor(fetch: EntityFetch) {
    this.#fetch = fetch;
    this.#leafKeys = leafKeysOf(fetch);
  }

  add(target: EntityTarget): void {
    const { entity } = target;
    const typeName = entity['__typename'] as string;
    const ofType = this.#last?.typeName === typeName ? this.#last : this.#groupsOf(typeName);
    if (ofType === undefined) {
      this.#addGeneral(target);
      return;
    }
    this.#last = ofType;
    const { key, byFirst } = ofType;
    const first = entity[key.first];
    const known = byFirst.get(first);
    // Whose key is that of a known one has leaves for a key as that one has.
    if (known !== undefined && sameLeaves((known.targets[0] as EntityTarget).entity, entity, key))
      known.targets.push(target);
    else if (!hasLeaves(entity, key)) this.#addGeneral(target);
    else if (known !== undefined) this.#addPrinted(printLeaves(entity, key), typeName, target);
    else {
      const group = { printed: printLeaves(entity, key), sentType: typeName, targets: [target] };
      byFirst.set(first, group);
      this.groups.push(group);
    }
  }

  #groupsOf(typeName: string): TypeGroups | undefined {
    const known = this.#byType.get(typeName);
    const key = this.#leafKeys.get(typeName);
    if (known !== undefined || key === undefined) return known;
    const made = { typeName, key, byFirst: new Map<unknown, EntityGroup>() };
    this.#byType.set(typeName, made);
    return made;
  }

  #addGeneral(target: EntityTarget): void {
    const representation = representationOf(target.entity, this.#fetch.requires);
    if (representation === null) return;
    rewriteData(this.#fetch.inputRewrites, representation);
    this.#addPrinted(JSON.stringify(representation), representation['__typename'], target);
  }

  #addPrinted(printed: string, sentType: unknown, target: EntityTarget): void {
    const known = this.#byText.get(printed);
    if (known !== undefined) {
      known.targets.push(target);
      return;
    }
    const group = { printed, sentType, targets: [target] };
    this.#byText.set(printed, group);
    this.groups.push(group);
  }
}
