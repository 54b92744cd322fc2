import type { KeyPath } from './config-fault.ts';
import { printPath } from './config-fault.ts';
import type { SchemaNode } from './config-schema.ts';
import { configJsonSchema } from './config-schema.ts';

/** Longer keys are no misspelling, and distances cost the product of both lengths. */
const KEY_LENGTH_MAX = 40;

/** Insertions, deletions and replacements that turn one word into the other. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [row, letter] of [...from].entries()) {
    const current = [row + 1];
    for (const [column, other] of [...to].entries()) {
      const replace = (previous[column] ?? 0) + (letter === other ? 0 : 1);
      current.push(Math.min(replace, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}

/** The candidate most like the word, or null where none is near. */
export function nearestWord(word: string, candidates: readonly string[]): string | null {
  if (word.length > KEY_LENGTH_MAX) {
    return null;
  }
  const lower = word.toLowerCase();
  const allowed = word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3));
  const ranked = candidates
    .map((candidate) => {
      const other = candidate.toLowerCase();
      const begins = lower.length >= 3 && (other.startsWith(lower) || lower.startsWith(other));
      return { candidate, distance: begins ? 0 : editDistance(lower, other) };
    })
    .filter(({ distance }) => distance <= allowed)
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate ?? null;
}

function child(node: SchemaNode | undefined, step: string | number): SchemaNode | undefined {
  if (typeof step === 'number') {
    return node?.items;
  }
  const { properties, additionalProperties } = node ?? {};
  if (properties !== undefined) {
    return Object.hasOwn(properties, step) ? properties[step] : undefined;
  }
  return additionalProperties === false ? undefined : additionalProperties;
}

/** Paths of every key of that name, those below lists and names left out: they have no single path. */
function placesOf(name: string, node: SchemaNode, path: readonly string[]): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, value]) => [
    ...(key === name ? [printPath([...path, key])] : []),
    ...placesOf(name, value, [...path, key]),
  ]);
}

/** What to do about an unknown key: the one probably meant, the place it belongs to, or the keys there are. */
export function suggestKey(parent: KeyPath, key: string): string {
  const root = configJsonSchema();
  const node = parent.reduce<SchemaNode | undefined>(child, root);
  const siblings = Object.keys(node?.properties ?? {});
  const near = nearestWord(key, siblings);
  const elsewhere = key.length > KEY_LENGTH_MAX ? [] : placesOf(key, root, []);
  // A short key is near to many words: one that is right in another place was meant there.
  const isShort = key.length <= 4 && elsewhere.length > 0;
  if (near !== null && !isShort) {
    return `did you mean ${near}?`;
  }
  if (elsewhere.length > 0) {
    return `did you mean ${elsewhere.slice(0, 3).join(' or ')}?`;
  }
  return `the keys here are ${siblings.join(', ')}`;
}
