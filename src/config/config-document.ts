import type { Document, YAMLError } from 'yaml';
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { ConfigFault, KeyPath, Position } from './config-fault.ts';
import { pathKeyOf, printable } from './config-fault.ts';

/** A value of the document: mappings are null-prototype objects. */
export type Tree = string | number | boolean | null | readonly Tree[] | { readonly [key: string]: Tree };

/** A document read into plain values, with where each of them stands. */
export interface ConfigDocument {
  readonly root: Tree;
  readonly faults: readonly ConfigFault[];
  /** True where the text is not YAML at all, so that nothing else can be said of it. */
  readonly broken: boolean;
  /** Position of the value at the path, or of the nearest one around it. */
  locate(path: KeyPath): Position;
  /** Position of the key itself. */
  locateKey(path: KeyPath): Position;
}

/** Aliases multiply what they name (the billion laughs), so what counts is the expanded size. */
const NODES_MAX = 20_000;
const DEPTH_MAX = 32;

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Our own words: the parser's quote the text, which may hold a secret. */
const SYNTAX_MESSAGES: ReadonlyMap<string, string> = new Map([
  ['BAD_DIRECTIVE', 'this directive (%…) is not known'],
  [
    'BAD_INDENT',
    'the indentation does not fit the lines around it, or a bracket or quotation mark before it is not closed',
  ],
  [
    'BAD_SCALAR_START',
    'a value that starts with a character reserved by YAML must be put in quotation marks',
  ],
  ['BAD_DQ_ESCAPE', 'this escape does not exist in a double-quoted string'],
  ['DUPLICATE_KEY', 'this key is already given in the same mapping'],
  ['MISSING_CHAR', 'a closing quotation mark, bracket, comma or colon is missing'],
  ['MULTIPLE_DOCS', 'the file holds several documents; keep one'],
  ['NON_STRING_KEY', 'a key must be a plain word'],
  ['TAB_AS_INDENT', 'indentation must be by spaces, not tabs'],
]);

function syntaxMessage(error: YAMLError): string {
  return (
    SYNTAX_MESSAGES.get(error.code) ??
    `the text is not valid YAML here (${error.code.toLowerCase().replaceAll('_', ' ')}); values with { } : or # need quotation marks`
  );
}

/** Faults after which the rest of the document still means what it says. */
const HARMLESS_CODES: ReadonlySet<string> = new Set(['DUPLICATE_KEY', 'NON_STRING_KEY']);

class TreeReader {
  readonly faults: ConfigFault[] = [];
  readonly values = new Map<string, Position>();
  readonly keys = new Map<string, Position>();
  readonly #anchors = new Map<string, unknown>();
  readonly #lines: LineCounter;
  #nodes = 0;

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  positionAt(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  read(node: unknown, path: KeyPath): Tree {
    const position = this.#positionOf(node);
    if (!this.values.has(pathKeyOf(path))) {
      this.values.set(pathKeyOf(path), position);
    }
    this.#nodes += 1;
    if (this.#nodes > NODES_MAX || path.length > DEPTH_MAX) {
      return this.#refuseSize(path, position);
    }
    if (isAlias(node)) {
      return this.#readAlias(node.source, path, position);
    }
    if (isNode(node)) {
      this.#note(node, path, position);
    }
    if (isMap(node)) {
      return this.#readMap(node.items, path);
    }
    if (isSeq(node)) {
      return node.items.map((item, index) => this.read(item, [...path, index]));
    }
    const value = isScalar(node) ? node.value : null;
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? value
      : null;
  }

  #positionOf(node: unknown): Position {
    const start = isNode(node) ? node.range?.[0] : undefined;
    return this.positionAt(start ?? 0);
  }

  /** The size is told once: everything after it is of the same making. */
  #refuseSize(path: KeyPath, position: Position): Tree {
    if (this.#nodes <= NODES_MAX || this.#nodes === NODES_MAX + 1) {
      this.faults.push({
        path,
        position,
        message: `the document is larger than ${NODES_MAX} values or deeper than ${DEPTH_MAX} levels once its aliases are written out`,
      });
    }
    return null;
  }

  /** Remembers an anchor for later aliases, and refuses tags: they would change what a value means. */
  #note(node: object, path: KeyPath, position: Position): void {
    const { anchor, tag } = node as { anchor?: string; tag?: string };
    if (anchor !== undefined) {
      this.#anchors.set(anchor, node);
    }
    if (tag !== undefined) {
      this.faults.push({ path, position, message: 'YAML tags (!…) are not accepted; write the plain value' });
    }
  }

  #readAlias(source: string, path: KeyPath, position: Position): Tree {
    const target = this.#anchors.get(source);
    if (target === undefined) {
      this.faults.push({
        path,
        position,
        message: `no anchor named ${printable(source)} stands before this alias`,
      });
      return null;
    }
    return this.read(target, path);
  }

  #readMap(items: readonly { key: unknown; value: unknown }[], path: KeyPath): Tree {
    const result: Record<string, Tree> = Object.create(null);
    for (const { key, value } of items) {
      const name = String(isScalar(key) ? key.value : key);
      const position = this.#positionOf(key);
      const at = [...path, name];
      this.keys.set(pathKeyOf(at), position);
      if (FORBIDDEN_KEYS.has(name)) {
        this.faults.push({ path: at, position, message: 'this key is never accepted; remove it' });
      } else if (name === '<<') {
        this.faults.push({
          path: at,
          position,
          message: 'merge keys are not accepted; write the keys out or use an alias as a whole value',
        });
      } else if (this.#nodes <= NODES_MAX) {
        result[name] = this.read(value, at);
      }
    }
    return result;
  }
}

function nearest(positions: ReadonlyMap<string, Position>, path: KeyPath): Position {
  for (let length = path.length; length >= 0; length -= 1) {
    const position = positions.get(pathKeyOf(path.slice(0, length)));
    if (position !== undefined) {
      return position;
    }
  }
  return { line: 1, column: 1 };
}

function parse(text: string, lineCounter: LineCounter): Document.Parsed | null {
  try {
    return parseDocument(text, {
      lineCounter,
      schema: 'core',
      version: '1.2',
      merge: false,
      resolveKnownTags: false,
      stringKeys: true,
      uniqueKeys: true,
      strict: true,
      prettyErrors: false,
      logLevel: 'error',
    });
  } catch (error) {
    if (error instanceof RangeError) {
      return null;
    }
    throw error;
  }
}

/** Reads YAML (and so JSON) into plain values; faults are collected, not thrown. */
export function readDocument(text: string): ConfigDocument {
  const lines = new LineCounter();
  const reader = new TreeReader(lines);
  const document = parse(text, lines);
  const origin: Position = { line: 1, column: 1 };
  if (document === null) {
    const faults = [{ path: [], position: origin, message: 'the document is nested too deeply' }];
    return { root: Object.create(null), faults, broken: true, locate: () => origin, locateKey: () => origin };
  }
  const directives = document.warnings.filter((warning) => warning.code === 'BAD_DIRECTIVE');
  const syntax = [...document.errors, ...directives].map((error) => ({
    path: [],
    position: reader.positionAt(error.pos[0]),
    message: syntaxMessage(error),
  }));
  const broken = document.errors.some((error) => !HARMLESS_CODES.has(error.code));
  const empty: Tree = Object.create(null);
  const root = broken || document.contents === null ? empty : reader.read(document.contents, []);
  return {
    root,
    faults: [...syntax, ...reader.faults],
    broken,
    locate: (path) => nearest(reader.values, path),
    locateKey: (path) => reader.keys.get(pathKeyOf(path)) ?? nearest(reader.values, path),
  };
}
