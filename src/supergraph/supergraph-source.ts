import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { GatewayError } from '../errors.ts';
import { composeSupergraph } from './compose.ts';
import { readSupergraph } from './read-supergraph.ts';
import { readSchemaFiles, type SchemaTexts, stampOf } from './schema-files-source.ts';
import type { Supergraph } from './supergraph.ts';

/** Where the graph comes from: a composed file, or the schemas of subgraphs that are composed here. */
export type SupergraphSourceOptions = (
  | { readonly file: string }
  | {
      readonly subgraphs: readonly {
        readonly name: string;
        readonly url: string;
        readonly schemaFile: string;
      }[];
    }
) & {
  /** How often the files are looked at where the file system does not tell of changes. */
  readonly pollMs: number;
};

export interface SupergraphSourceDependencies {
  /** Watches one folder for changes; `fs.watch` unless given. */
  readonly watchFolder?: (folder: string, changed: () => void) => FSWatcher;
  /** Reads one file; from the file system unless given. */
  readonly readOne?: (path: string) => Promise<Uint8Array>;
  /** Told once per folder that cannot be watched, where polling alone goes on. */
  readonly onWatchFault?: (folder: string, cause: unknown) => void;
}

export interface SupergraphListener {
  onSupergraph(supergraph: Supergraph): void;
  onFault(fault: GatewayError): void;
}

/** Loads the graph and, from then on, tells of every change that can be served. */
export interface SupergraphSource {
  /** Throws: SUPERGRAPH_INVALID, COMPOSITION_FAILED. */
  load(): Promise<Supergraph>;
  watch(listener: SupergraphListener): void;
  /** Ends watching; nothing is told afterwards. */
  close(): Promise<void>;
}

/** Creates the source of the graph; nothing is read before `load`. */
export function createSupergraphSource(
  options: SupergraphSourceOptions,
  dependencies: SupergraphSourceDependencies = {},
): SupergraphSource {
  return new FileSupergraphSource(options, dependencies);
}

const watchWithFs = (folder: string, changed: () => void): FSWatcher =>
  watch(folder, { persistent: false }, changed);

/** Invariant: at most one refresh runs and at most one more is due, however many changes are told. */
class FileSupergraphSource implements SupergraphSource {
  readonly #options: SupergraphSourceOptions;
  readonly #dependencies: SupergraphSourceDependencies;
  readonly #paths: readonly string[];
  readonly #closing = new AbortController();
  readonly #watchers = new Set<FSWatcher>();
  #listener: SupergraphListener | null = null;
  #poll: NodeJS.Timeout | null = null;
  #refreshing: Promise<void> | null = null;
  #due = false;
  /** Stamp and digest of the files last judged, good or bad, so that nothing is judged twice. */
  #stamp = '';
  #judged = '';
  /** The fault of reading the files that was last told, so that it is told once. */
  #told: string | null = null;
  #currentId = '';

  constructor(options: SupergraphSourceOptions, dependencies: SupergraphSourceDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#paths = 'file' in options ? [options.file] : options.subgraphs.map(({ schemaFile }) => schemaFile);
  }

  async load(): Promise<Supergraph> {
    const files = await this.#read({ patient: false });
    const supergraph = this.#build(files);
    this.#stamp = files.stamp;
    this.#judged = files.digest;
    this.#currentId = supergraph.id;
    return supergraph;
  }

  watch(listener: SupergraphListener): void {
    if (this.#closing.signal.aborted || this.#listener !== null) {
      throw new Error('a supergraph source is watched once, before it is closed');
    }
    this.#listener = listener;
    // A folder is watched rather than its file: a rename over the file ends a watch on the file itself.
    for (const folder of new Set(this.#paths.map((path) => dirname(path)))) this.#watchFolder(folder);
    this.#poll = setInterval(() => this.#changed(), this.#options.pollMs).unref();
    // The files may have changed since they were loaded.
    this.#changed();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers.clear();
    if (this.#poll !== null) clearInterval(this.#poll);
    await this.#refreshing;
  }

  #watchFolder(folder: string): void {
    const { watchFolder = watchWithFs, onWatchFault } = this.#dependencies;
    try {
      const watcher = watchFolder(folder, () => this.#changed());
      this.#watchers.add(watcher);
      watcher.once('error', (cause) => {
        watcher.close();
        this.#watchers.delete(watcher);
        onWatchFault?.(folder, cause);
      });
    } catch (cause) {
      onWatchFault?.(folder, cause);
    }
  }

  #changed(): void {
    this.#due = true;
    if (this.#refreshing !== null || this.#closing.signal.aborted) return;
    this.#due = false;
    this.#refreshing = this.#refresh().then(() => {
      this.#refreshing = null;
      if (this.#due) this.#changed();
    });
  }

  /** Never rejects: what is wrong is told to the listener. */
  async #refresh(): Promise<void> {
    try {
      if ((await stampOf(this.#paths)) === this.#stamp) return;
      const files = await this.#read({ patient: true });
      this.#told = null;
      this.#stamp = files.stamp;
      if (files.digest === this.#judged || this.#closing.signal.aborted) return;
      this.#judged = files.digest;
      const supergraph = this.#build(files);
      if (supergraph.id === this.#currentId) return;
      this.#currentId = supergraph.id;
      this.#listener?.onSupergraph(supergraph);
    } catch (cause) {
      if (!this.#closing.signal.aborted) this.#tell(cause);
    }
  }

  #read({ patient }: { readonly patient: boolean }): Promise<SchemaTexts> {
    const { readOne } = this.#dependencies;
    return readSchemaFiles(this.#paths, { signal: this.#closing.signal, patient, readOne });
  }

  #tell(cause: unknown): void {
    const fault = cause instanceof GatewayError ? cause : new GatewayError('SUPERGRAPH_INVALID', { cause });
    const lines = fault.details.map(({ message }) => message).join('\n');
    if (lines === this.#told) return;
    this.#told = lines;
    this.#listener?.onFault(fault);
  }

  #build({ texts }: SchemaTexts): Supergraph {
    const options = this.#options;
    if ('file' in options) return readSupergraph(texts[0] ?? '');
    const definitions = options.subgraphs.map(({ name, url }, index) => ({
      name,
      url,
      sdl: texts[index] ?? '',
    }));
    return readSupergraph(composeSupergraph(definitions).sdl);
  }
}
