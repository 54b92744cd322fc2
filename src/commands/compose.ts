import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { readConfig } from '../config/config-source.ts';
import { readTextFile } from '../config/text-file-source.ts';
import { GatewayError } from '../errors.ts';

const SCHEMA_BYTES_MAX = 16_777_216;

interface ComposeOptions {
  readonly config: string;
  /** Path of the supergraph to write, or `-` for standard output. */
  readonly out: string;
}

/** Readers see the old file or the whole new one, never a part: written beside it, then renamed over it. */
async function writeAtomically(path: string, text: string): Promise<void> {
  const target = resolve(path);
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function configInvalid(message: string): GatewayError {
  return new GatewayError('CONFIG_INVALID', { details: [{ message }] });
}

async function subgraphsOf(path: string, environment: NodeJS.ProcessEnv) {
  const { supergraph } = await readConfig(path, environment);
  if ('file' in supergraph) {
    throw configInvalid(
      `${path}: supergraph.file: there is nothing to compose; name the schemas under supergraph.subgraphs`,
    );
  }
  return Promise.all(
    supergraph.subgraphs.map(async ({ name, url, schema }) => {
      const file = await readTextFile(schema, SCHEMA_BYTES_MAX);
      if ('fault' in file) {
        throw configInvalid(`${schema}: the schema of ${name} ${file.fault}`);
      }
      return { name, url, sdl: file.text };
    }),
  );
}

/**
 * `portcullis compose`: composes the subgraphs that the configuration names and writes the supergraph.
 * Nothing is written unless the gateway could also enforce the result.
 * Throws: CONFIG_INVALID, COMPOSITION_FAILED, SUPERGRAPH_INVALID.
 */
export async function compose(options: ComposeOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const subgraphs = await subgraphsOf(options.config, environment);
  // Apollo's composition takes a second to load: not before the configuration is known to be good.
  const { composeSupergraph } = await import('../supergraph/compose.ts');
  const { readSupergraph } = await import('../supergraph/read-supergraph.ts');
  const { sdl } = composeSupergraph(subgraphs);
  readSupergraph(sdl);
  if (options.out === '-') {
    process.stdout.write(sdl.endsWith('\n') ? sdl : `${sdl}\n`);
    return;
  }
  await writeAtomically(options.out, sdl.endsWith('\n') ? sdl : `${sdl}\n`);
  process.stderr.write(`composed ${subgraphs.length} subgraphs into ${options.out}\n`);
}
