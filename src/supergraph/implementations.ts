import { type DocumentNode, Kind } from 'graphql';
import { directiveNameOf, type Link } from './link.ts';
import { JOIN_IDENTITY } from './specs.ts';

/** Object types that implement each interface, directly or through another interface. */
export type Implementations = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Reads which objects implement which interfaces, from `implements` and from `@join__implements` alike: an object may
 * implement an interface in one subgraph only, and rules must reach it whichever of the two says so.
 */
export function implementationsOf(document: DocumentNode, links: readonly Link[]): Implementations {
  const join = links.find(({ identity }) => identity === JOIN_IDENTITY);
  const joinImplements = join === undefined ? null : directiveNameOf(join, 'implements');
  const objects = new Set<string>();
  const parents = new Map<string, Set<string>>();
  for (const definition of document.definitions) {
    switch (definition.kind) {
      case Kind.OBJECT_TYPE_DEFINITION:
      case Kind.OBJECT_TYPE_EXTENSION:
        objects.add(definition.name.value);
        break;
      case Kind.INTERFACE_TYPE_DEFINITION:
      case Kind.INTERFACE_TYPE_EXTENSION:
        break;
      default:
        continue;
    }
    const found = parents.get(definition.name.value) ?? new Set<string>();
    parents.set(definition.name.value, found);
    for (const { name } of definition.interfaces ?? []) found.add(name.value);
    for (const directive of definition.directives ?? []) {
      if (directive.name.value !== joinImplements) continue;
      for (const { name, value } of directive.arguments ?? []) {
        if (name.value === 'interface' && value.kind === Kind.STRING) found.add(value.value);
      }
    }
  }
  const implementations = new Map<string, Set<string>>();
  for (const object of objects) {
    for (const name of ancestors(object, parents)) {
      const implementing = implementations.get(name) ?? new Set<string>();
      implementations.set(name, implementing.add(object));
    }
  }
  return implementations;
}

/** Interfaces above a type. Walks a set that only grows, so that a cycle of interfaces ends too. */
function ancestors(type: string, parents: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const found = new Set(parents.get(type));
  for (const name of found) for (const parent of parents.get(name) ?? []) found.add(parent);
  return found;
}
