import { hash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GatewayError } from '../errors.ts';
import { composeSupergraph } from './compose.ts';
import { readSupergraph } from './read-supergraph.ts';
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

export interface SupergraphListener {
  onSupergraph(supergraph: Supergraph): void;
  onFault(fault: GatewayError): void;
}

/** Loads the graph and, from then on, tells of every change that can be served. */
export interface SupergraphSource {
  /** Throws: SUPERGRAPH_INVALID, COMPOSITION_FAILED. */
  load(): Promise<Supergraph>;
  watch(listener: SupergraphListener): void;
  close(): Promise<void>;
}

/** Reason: editors write in parts and rename; what is read must have stood still for this long. */
const SETTLE_MS = 50;

export function createSupergraphSource(options: SupergraphSourceOptions): SupergraphSource {
  return new FileSupergraphSource(options);
}

class FileSupergraphSource implements SupergraphSource {
  readonly #options: SupergraphSourceOptions;
  readonly #paths: readonly string[];
  readonly #watchers: FSWatcher[] = [];
  #poll: NodeJS.Timeout | null = null;
  #settle: NodeJS.Timeout | null = null;
  #reading: Promise<void> = Promise.resolve();
  #listener: SupergraphListener | null = null;
  /** Digest of the files last judged, good or bad, so that a fault is told once. */
  #judged = '';
  #currentId = '';

  constructor(options: SupergraphSourceOptions) {
    this.#options = options;
    this.#paths = 'file' in options ? [options.file] : options.subgraphs.map(({ schemaFile }) => schemaFile);
  }

  async load(): Promise<Supergraph> {
    const texts = await this.#read();
    const supergraph = this.#build(texts);
    this.#judged = digest(texts);
    this.#currentId = supergraph.id;
    return supergraph;
  }

  watch(listener: SupergraphListener): void {
    this.#listener = listener;
    // A folder is watched rather than its file: a rename over the file ends a watch on the file itself.
    for (const folder of new Set(this.#paths.map((path) => dirname(path)))) {
      const watcher = watch(folder, { persistent: false }, () => this.#changed());
      // Polling goes on where watching does not.
      watcher.on('error', () => watcher.close());
      this.#watchers.push(watcher);
    }
    this.#poll = setInterval(() => this.#changed(), this.#options.pollMs).unref();
  }

  async close(): Promise<void> {
    this.#listener = null;
    for (const watcher of this.#watchers) watcher.close();
    if (this.#poll !== null) clearInterval(this.#poll);
    if (this.#settle !== null) clearTimeout(this.#settle);
    await this.#reading;
  }

  #changed(): void {
    this.#settle ??= setTimeout(() => {
      this.#settle = null;
      this.#reading = this.#reading.then(() => this.#refresh());
    }, SETTLE_MS);
  }

  /** Never rejects: what is wrong is told to the listener. */
  async #refresh(): Promise<void> {
    const listener = this.#listener;
    if (listener === null) return;
    try {
      const texts = await this.#read();
      const seen = digest(texts);
      if (seen === this.#judged) return;
      this.#judged = seen;
      const supergraph = this.#build(texts);
      if (supergraph.id === this.#currentId) return;
      this.#currentId = supergraph.id;
      listener.onSupergraph(supergraph);
    } catch (cause) {
      const fault = cause instanceof GatewayError ? cause : new GatewayError('SUPERGRAPH_INVALID', { cause });
      const told = fault.details.map(({ message }) => message).join();
      if (fault.cause !== undefined && told === this.#judged) return;
      if (fault.cause !== undefined) this.#judged = told;
      listener.onFault(fault);
    }
  }

  async #read(): Promise<readonly string[]> {
    return Promise.all(
      this.#paths.map((path) =>
        readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
          throw new GatewayError('SUPERGRAPH_INVALID', {
            cause,
            details: [{ message: `${path} cannot be read: ${cause.code ?? cause.name}` }],
          });
        }),
      ),
    );
  }

  #build(texts: readonly string[]): Supergraph {
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

function digest(texts: readonly string[]): string {
  return hash('sha256', JSON.stringify(texts), 'hex');
}
