import type { Tree } from './config-document.ts';
import type { KeyPath } from './config-fault.ts';
import { isUrl } from './config-keys.ts';

/** What is done with a file that a key names. */
export type FileUse = 'readable' | 'text' | 'pattern';

/** A key of the document that names a file. */
export interface NamedFile {
  readonly path: KeyPath;
  /** As written. */
  readonly name: string;
  readonly use: FileUse;
}

/** `*` stands for every entry of a list. */
const FILE_KEYS: readonly { readonly key: KeyPath; readonly use: FileUse }[] = [
  { key: ['supergraph', 'file'], use: 'readable' },
  { key: ['supergraph', 'subgraphs', '*', 'schema'], use: 'readable' },
  { key: ['identity', 'jwt', '*', 'jwks'], use: 'readable' },
  { key: ['listen', 'tls', 'certFile'], use: 'text' },
  { key: ['listen', 'tls', 'keyFile'], use: 'text' },
  { key: ['assertion', 'keyFile'], use: 'text' },
  { key: ['authorization', 'policies', '*'], use: 'pattern' },
];

function pathsOf(tree: Tree | undefined, key: KeyPath, at: KeyPath): { path: KeyPath; value: Tree }[] {
  const [step, ...rest] = key;
  if (tree === undefined) {
    return [];
  }
  if (step === undefined) {
    return [{ path: at, value: tree }];
  }
  if (Array.isArray(tree)) {
    return step === '*' ? tree.flatMap((item: Tree, index) => pathsOf(item, rest, [...at, index])) : [];
  }
  if (typeof tree !== 'object' || tree === null) {
    return [];
  }
  return pathsOf((tree as Readonly<Record<string, Tree>>)[step], rest, [...at, step]);
}

/** All files the document names, valid or not otherwise, so that missing ones are told with the other faults. */
export function namedFiles(tree: Tree): readonly NamedFile[] {
  return FILE_KEYS.flatMap(({ key, use }) =>
    pathsOf(tree, key, []).flatMap(({ path, value }) =>
      typeof value === 'string' && value !== '' && !isUrl(value) ? [{ path, name: value, use }] : [],
    ),
  );
}
