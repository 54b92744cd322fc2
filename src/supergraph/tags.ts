import type { DocumentNode } from 'graphql';
import { Kind } from 'graphql';
import { directiveUses } from './directive-uses.ts';
import { directiveNameOf, type Link } from './link.ts';
import { TAG_IDENTITY } from './specs.ts';

/** Coordinates of types and fields, by the tags that they carry. */
export type Tags = ReadonlyMap<string, ReadonlySet<string>>;

const FIELD_COORDINATE = /^\w+(?:\.\w+)?$/u;

/** Reads every `@tag` on a type or field of a supergraph, by the name its link gives it. */
export function readTags(document: DocumentNode, links: readonly Link[]): Tags {
  const tags = new Map<string, Set<string>>();
  const link = links.find(({ identity }) => identity === TAG_IDENTITY);
  if (link === undefined) return tags;
  const tag = directiveNameOf(link, 'tag');
  for (const { node, coordinate } of directiveUses(document)) {
    if (node.name.value !== tag || !FIELD_COORDINATE.test(coordinate)) continue;
    const [argument] = node.arguments ?? [];
    if (argument?.value.kind !== Kind.STRING) continue;
    const tagged = tags.get(argument.value.value) ?? new Set<string>();
    tags.set(argument.value.value, tagged.add(coordinate));
  }
  return tags;
}
