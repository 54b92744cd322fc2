import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { readConfig } from '../../src/config/config-source.ts';
import { GatewayError } from '../../src/errors.ts';

export interface ConfigFolder {
  readonly path: string;
  write(name: string, content: string | Uint8Array): string;
  /** Writes the text as the configuration and reads it. */
  read(text: string, environment?: Record<string, string>): Promise<Config>;
  /** Messages of all faults, without the file name: `line:column: key: text`. */
  faults(text: string, environment?: Record<string, string>): Promise<string[]>;
}

/** A folder of one test with an empty supergraph.graphql in it, removed when the test ends. */
export function configFolder(): ConfigFolder {
  const path = mkdtempSync(join(tmpdir(), 'portcullis-config-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  const write = (name: string, content: string | Uint8Array) => {
    const target = join(path, name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
    return target;
  };
  write('supergraph.graphql', 'type Query { a: Int }\n');
  const read = (text: string, environment = {}) => readConfig(write('gateway.yaml', text), environment);
  const faults = async (text: string, environment = {}) => {
    const error = await read(text, environment).then(
      () => null,
      (reason: unknown) => reason,
    );
    if (error === null) {
      return [];
    }
    if (!(error instanceof GatewayError) || error.code !== 'CONFIG_INVALID') {
      throw error;
    }
    return error.details.map((detail) => detail.message.replace(`${join(path, 'gateway.yaml')}:`, ''));
  };
  return { path, write, read, faults };
}

/** The one section that must be given. */
export const SUPERGRAPH = 'supergraph: { file: ./supergraph.graphql }\n';
