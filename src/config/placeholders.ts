import type { Tree } from './config-document.ts';
import type { ConfigFault, KeyPath, Position } from './config-fault.ts';
import { pathKeyOf, printable } from './config-fault.ts';

/** Something outside the document that a value names: `${env:NAME}` or `${file:PATH}`. */
export interface Reference {
  readonly kind: 'env' | 'file';
  readonly name: string;
}

/** What a reference stands for, or why it cannot be had; the reason never holds the value. */
export type Referent = { readonly text: string } | { readonly fault: string };

/** Each reference names a read of a file or a variable, so their number is bounded. */
const REFERENCES_MAX = 256;

const PLACEHOLDER = /\$?\$\{(?:(env|file):([^${}]+)\})?/g;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The name under which a reference is resolved. */
export function referenceKey(reference: Reference): string {
  return `${reference.kind}:${reference.name}`;
}

function stringsOf(tree: Tree): string[] {
  if (typeof tree === 'string') {
    return [tree];
  }
  return typeof tree === 'object' && tree !== null ? Object.values(tree).flatMap(stringsOf) : [];
}

/** Every reference in the values of the tree, each once, up to the bound. */
export function findReferences(tree: Tree): readonly Reference[] {
  const found = new Map<string, Reference>();
  for (const text of stringsOf(tree)) {
    for (const [whole, kind, name] of text.matchAll(PLACEHOLDER)) {
      if (!whole.startsWith('$$') && name !== undefined && found.size < REFERENCES_MAX) {
        const reference: Reference = { kind: kind === 'env' ? 'env' : 'file', name };
        found.set(referenceKey(reference), reference);
      }
    }
  }
  return [...found.values()];
}

/** The tree with its placeholders filled in. */
export interface Substitution {
  readonly tree: Tree;
  readonly faults: readonly ConfigFault[];
  /** Paths, as keys, whose value came from outside: these may stand for numbers and booleans, and are never shown. */
  readonly substituted: ReadonlySet<string>;
  /** Paths, as keys, where a placeholder could not be filled in. */
  readonly failed: ReadonlySet<string>;
}

interface SubstitutionInput {
  readonly tree: Tree;
  readonly referents: ReadonlyMap<string, Referent>;
  locate(path: KeyPath): Position;
}

function referentOf(referents: ReadonlyMap<string, Referent>, reference: Reference): Referent {
  if (reference.kind === 'env' && !ENV_NAME.test(reference.name)) {
    return { fault: `${printable(reference.name)} is not a name of an environment variable` };
  }
  return (
    referents.get(referenceKey(reference)) ?? {
      fault: `the document names more than ${REFERENCES_MAX} variables and files`,
    }
  );
}

/** One string with its placeholders filled in once: what comes from outside is not searched again. */
function fill(text: string, referents: ReadonlyMap<string, Referent>) {
  const faults: string[] = [];
  let outside = false;
  const filled = text.replace(PLACEHOLDER, (whole: string, kind?: string, name?: string) => {
    if (whole.startsWith('$$')) {
      return whole.slice(1);
    }
    if (name === undefined) {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the forms of a placeholder, spelled out
      faults.push('a placeholder is ${env:NAME} or ${file:PATH}; write $${ for a plain ${');
      return whole;
    }
    outside = true;
    const referent = referentOf(referents, { kind: kind === 'env' ? 'env' : 'file', name });
    if ('fault' in referent) {
      faults.push(referent.fault);
      return '';
    }
    return referent.text;
  });
  return { filled, faults, outside };
}

/** Fills in the placeholders of all string values; keys are left as they are. */
export function substitute(input: SubstitutionInput): Substitution {
  const faults: ConfigFault[] = [];
  const substituted = new Set<string>();
  const failed = new Set<string>();
  const visit = (tree: Tree, path: KeyPath): Tree => {
    if (typeof tree === 'string') {
      const result = fill(tree, input.referents);
      if (result.outside) {
        substituted.add(pathKeyOf(path));
      }
      for (const message of result.faults) {
        failed.add(pathKeyOf(path));
        faults.push({ path, position: input.locate(path), message });
      }
      return result.filled;
    }
    if (typeof tree !== 'object' || tree === null) {
      return tree;
    }
    if (Array.isArray(tree)) {
      return tree.map((item: Tree, index) => visit(item, [...path, index]));
    }
    const copy: Record<string, Tree> = Object.create(null);
    for (const [key, value] of Object.entries(tree)) {
      copy[key] = visit(value, [...path, key]);
    }
    return copy;
  };
  return { tree: visit(input.tree, []), faults, substituted, failed };
}
