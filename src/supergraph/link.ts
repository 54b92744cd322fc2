import type { DirectiveNode } from 'graphql';
import type { KnownSpec } from './specs.ts';

/** One `@link` of a schema: which specification, and under which names its elements appear. */
export interface Link {
  /** URL without the version. */
  readonly identity: string;
  /** Last part of the identity: the name of the specification and of its default directive. */
  readonly name: string;
  /** Such as `v0.1`. */
  readonly version: string;
  /** Local name of the specification: `as:`, else its own name. */
  readonly alias: string;
  readonly purpose: 'SECURITY' | 'EXECUTION' | null;
  /** Element of the specification to local name, directives with their `@` on both sides. */
  readonly imports: ReadonlyMap<string, string>;
  readonly known: KnownSpec | null;
  readonly node: DirectiveNode;
}

/** Local name of a directive of the linked specification. */
export function directiveNameOf(link: Link, directive: string): string {
  const imported = link.imports.get(`@${directive}`);
  if (imported !== undefined) return imported.slice(1);
  return directive === link.name ? link.alias : `${link.alias}__${directive}`;
}

/** Local name of a type of the linked specification. */
export function typeNameOf(link: Link, type: string): string {
  return link.imports.get(type) ?? `${link.alias}__${type}`;
}

/** True where a directive's local name belongs to the link: imported, its alias, or prefixed with it. */
export function ownsDirective(link: Link, name: string): boolean {
  if (name === link.alias || name.startsWith(`${link.alias}__`)) return true;
  for (const local of link.imports.values()) if (local === `@${name}`) return true;
  return false;
}

/** True where a type's local name belongs to the link: imported, or prefixed with its alias. */
export function ownsType(link: Link, name: string): boolean {
  if (name.startsWith(`${link.alias}__`)) return true;
  for (const local of link.imports.values()) if (local === name) return true;
  return false;
}

/** Name in the specification of one of its known directives, or null where the local name stands for none of them. */
export function specDirectiveOf(link: Link, name: string): string | null {
  for (const element of link.known?.elements ?? []) {
    if (element.startsWith('@') && directiveNameOf(link, element.slice(1)) === name) return element.slice(1);
  }
  return null;
}
