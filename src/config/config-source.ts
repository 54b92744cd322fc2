import { dirname, resolve } from 'node:path';
import { assembleConfig } from './assemble-config.ts';
import { checkConfig } from './check-config.ts';
import type { Config } from './config.ts';
import { readDocument } from './config-document.ts';
import type { ConfigFault } from './config-fault.ts';
import { configInvalid, pathKeyOf, printable } from './config-fault.ts';
import { NamedFileSource } from './named-file-source.ts';
import { namedFiles } from './named-files.ts';
import type { Reference, Referent } from './placeholders.ts';
import { findReferences, referenceKey, substitute } from './placeholders.ts';
import { readTextFile } from './text-file-source.ts';

const CONFIG_BYTES_MAX = 1_048_576;
const REFERENT_BYTES_MAX = 65_536;

async function resolveReference(
  reference: Reference,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<Referent> {
  const name = printable(reference.name);
  if (reference.kind === 'file') {
    const file = await readTextFile(resolve(folder, reference.name), REFERENT_BYTES_MAX);
    return 'text' in file
      ? { text: file.text.replace(/\r?\n$/, '') }
      : { fault: `the file ${name} ${file.fault}` };
  }
  const value = Object.hasOwn(environment, reference.name) ? environment[reference.name] : undefined;
  if (value === undefined) {
    return { fault: `the environment variable ${name} is not set` };
  }
  return value.length > REFERENT_BYTES_MAX
    ? { fault: `the environment variable ${name} is longer than ${REFERENT_BYTES_MAX} characters` }
    : { text: value };
}

async function readText(path: string): Promise<string> {
  const file = await readTextFile(path, CONFIG_BYTES_MAX);
  if ('text' in file) {
    return file.text;
  }
  throw configInvalid(path, [
    { path: [], position: { line: 1, column: 1 }, message: `the configuration file ${file.fault}` },
  ]);
}

/**
 * Reads, fills in and checks the configuration file and every small file it names.
 * Invariant: what is thrown names keys, files and variables, and never holds a value.
 * Throws: CONFIG_INVALID, with every fault found in `details`.
 */
export async function readConfig(path: string, environment: NodeJS.ProcessEnv): Promise<Config> {
  const document = readDocument(await readText(path));
  if (document.broken) {
    throw configInvalid(path, document.faults);
  }
  const folder = dirname(resolve(path));
  const referents = new Map<string, Referent>();
  for (const reference of findReferences(document.root)) {
    referents.set(referenceKey(reference), await resolveReference(reference, folder, environment));
  }
  const substitution = substitute({ tree: document.root, referents, locate: document.locate });
  const checked = checkConfig(document, substitution);
  const known = [...document.faults, ...substitution.faults, ...checked.faults];
  const faulty = new Set(known.map((fault) => pathKeyOf(fault.path)));
  const files = new NamedFileSource(folder);
  await files.read(namedFiles(checked.tree).filter((file) => !faulty.has(pathKeyOf(file.path))));
  const contents = files.checked();
  const inFiles: ConfigFault[] = files.faults.map((fault) => ({
    ...fault,
    position: document.locate(fault.path),
  }));
  const faults = [...known, ...inFiles];
  if (checked.config === null || faults.length > 0) {
    throw configInvalid(path, faults);
  }
  return assembleConfig({
    parsed: checked.config,
    files: contents,
    toAbsolute: (name) => resolve(folder, name),
  });
}
