import { basename, resolve } from 'node:path';
import type { ReadFiles } from './assemble-config.ts';
import type { KeyPath } from './config-fault.ts';
import { printable, printPath } from './config-fault.ts';
import type { KeyMaterial } from './key-material.ts';
import { parseAssertionKey, parseCertificate, parsePrivateKey } from './key-material.ts';
import type { NamedFile } from './named-files.ts';
import { matchFiles, readTextFile, unreadable } from './text-file-source.ts';

const KEY_BYTES_MAX = 262_144;
const POLICY_BYTES_MAX = 1_048_576;
const POLICY_FILES_MAX = 1000;

/** Reads the files that the document names, and gathers what is wrong with any of them. */
export class NamedFileSource {
  readonly faults: { path: KeyPath; message: string }[] = [];
  readonly policies = new Map<string, string>();
  readonly #texts = new Map<string, string>();
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(files: readonly NamedFile[]): Promise<void> {
    for (const file of files) {
      await this.#readOne(file);
    }
  }

  /** The small files once all are read. Each is checked only if it could be read; that it could not is told already. */
  checked(): ReadFiles {
    const cert = this.#check(['listen', 'tls', 'certFile'], parseCertificate);
    const key = this.#check(['listen', 'tls', 'keyFile'], (text) => parsePrivateKey(text, cert));
    return {
      tls: cert === null || key === null ? null : { cert, key },
      assertionKey: this.#check(['assertion', 'keyFile'], parseAssertionKey),
      policies: [...this.policies].map(([path, text]) => ({ path, text })),
    };
  }

  #check<T>(path: KeyPath, parse: (text: string) => KeyMaterial<T>): T | null {
    const text = this.#texts.get(printPath(path));
    if (text === undefined) {
      return null;
    }
    const material = parse(text);
    if ('fault' in material) {
      this.faults.push({ path, message: `the file ${material.fault}` });
      return null;
    }
    return material.value;
  }

  async #readOne({ path, name, use }: NamedFile): Promise<void> {
    const absolute = resolve(this.#folder, name);
    if (use === 'pattern') {
      await this.#readPolicies(path, name);
    } else if (use === 'readable') {
      const fault = await unreadable(absolute);
      if (fault !== null) {
        this.faults.push({ path, message: `the file ${fault}` });
      }
    } else {
      const file = await readTextFile(absolute, KEY_BYTES_MAX);
      if ('text' in file) {
        this.#texts.set(printPath(path), file.text);
      } else {
        this.faults.push({ path, message: `the file ${file.fault}` });
      }
    }
  }

  async #readPolicies(path: KeyPath, pattern: string): Promise<void> {
    const matched = await matchFiles(pattern, this.#folder, POLICY_FILES_MAX - this.policies.size);
    if ('fault' in matched) {
      this.faults.push({ path, message: `the pattern ${matched.fault}` });
      return;
    }
    for (const file of matched.paths) {
      const content = await readTextFile(file, POLICY_BYTES_MAX);
      if ('text' in content) {
        this.policies.set(file, content.text);
      } else {
        this.faults.push({
          path,
          message: `the matching file ${printable(basename(file))} ${content.fault}`,
        });
      }
    }
  }
}
