import { hash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import { SUPERGRAPH_BYTES_MAX } from './read-supergraph.ts';

/** Texts of schema files as they stood together, in the order of their paths. */
export interface SchemaTexts {
  readonly texts: readonly string[];
  readonly digest: string;
  /** What `stampOf` said of the files while they were read. */
  readonly stamp: string;
}

/**
 * How long files must stand still before what was read of them counts.
 * Reason: editors write in parts, or delete and write anew; a change takes effect this much later.
 */
const SETTLE_MS = 50;

/**
 * Most times that files of which one is absent or empty are read again before that is taken for what they are.
 * Reason: many writers remove or truncate a file before they write it, and a busy machine stretches the gap.
 */
const UNFINISHED_ATTEMPTS_MAX = 10;

/** Most times that files which keep changing are read again before that is a fault. */
const ATTEMPTS_MAX = 40;

/** How schema files are read. */
export interface SchemaReading {
  readonly signal: AbortSignal;
  /** Waits for files that are absent or empty, since many writers leave them so for a moment. */
  readonly patient: boolean;
  /** Reads one file; from the file system unless given. */
  readonly readOne?: ((path: string) => Promise<Uint8Array>) | undefined;
}

/** What identifies the content of files without reading them; changes with every write and rename. */
export async function stampOf(paths: readonly string[]): Promise<string> {
  const stamps = await Promise.all(
    paths.map(async (path) => {
      try {
        const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
        return [dev, ino, size, mtimeNs, ctimeNs].join(':');
      } catch (error) {
        return codeOf(error);
      }
    }),
  );
  return stamps.join('|');
}

/**
 * Reads schema files, again until they stand still: the stamp must be older than the wait, so that a second write within
 * the clock tick of the first cannot hide behind it.
 * Throws: SUPERGRAPH_INVALID where a file cannot be read, is too large, is not UTF-8, or keeps changing.
 */
export async function readSchemaFiles(
  paths: readonly string[],
  { signal, patient, readOne = readFile }: SchemaReading,
): Promise<SchemaTexts> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const stamp = await stampOf(paths);
    await wait(SETTLE_MS, undefined, { signal });
    const [outcome] = await Promise.allSettled([readAll(paths, readOne)]);
    if (stamp !== (await stampOf(paths))) continue;
    const unfinished = outcome.status === 'rejected' || outcome.value.some((text) => text.trim() === '');
    if (unfinished && patient && attempt < UNFINISHED_ATTEMPTS_MAX) continue;
    if (outcome.status === 'rejected') throw outcome.reason;
    const texts = outcome.value;
    return { texts, digest: hash('sha256', JSON.stringify(texts), 'hex'), stamp };
  }
  throw unreadable(paths.map((path) => `${path} keeps changing`));
}

async function readAll(
  paths: readonly string[],
  readOne: (path: string) => Promise<Uint8Array>,
): Promise<string[]> {
  const budget = { bytes: SUPERGRAPH_BYTES_MAX };
  const outcomes = await Promise.allSettled(
    paths.map(async (path) => {
      await takeSize(path, budget);
      // Text that is not UTF-8 would be read with replacement characters, and a name could change by it.
      return new TextDecoder('utf-8', { fatal: true }).decode(await readOne(path));
    }),
  );
  const causes: unknown[] = [];
  const lines: string[] = [];
  const texts: string[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled') {
      texts.push(outcome.value);
    } else {
      causes.push(outcome.reason);
      lines.push(`${paths[index]} cannot be read: ${codeOf(outcome.reason)}`);
    }
  }
  if (lines.length > 0) throw unreadable(lines, causes[0]);
  return texts;
}

/** Takes the size of one file from what all files together may have. */
async function takeSize(path: string, budget: { bytes: number }): Promise<void> {
  const file = await stat(path);
  if (!file.isFile()) throw Object.assign(new Error(), { code: 'not a file' });
  budget.bytes -= file.size;
  if (budget.bytes < 0)
    throw Object.assign(new Error(), { code: `more than ${SUPERGRAPH_BYTES_MAX} bytes in all` });
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'not UTF-8';
  return typeof code === 'string' ? code : 'unknown reason';
}

function unreadable(lines: readonly string[], cause?: unknown): GatewayError {
  return new GatewayError('SUPERGRAPH_INVALID', { cause, details: lines.map((message) => ({ message })) });
}
