import { generateKeyPairSync } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { GatewayError } from '../errors.ts';

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** Where the key of a log lies when none is configured: beside the directory, not in it. */
export function defaultAuditKeyPath(directory: string): string {
  return `${resolve(directory)}.key.json`;
}

/** Reads a JWK. Throws: CONFIG_INVALID where it is no JSON; what the system says. */
export async function readAuditKey(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GatewayError('CONFIG_INVALID', { cause, details: [{ message: `no JSON: ${path}` }] });
  }
}

/** Reads the private key, or makes it once, readable by its owner only. Throws: what the system or JSON says. */
export async function obtainAuditKey(path: string): Promise<unknown> {
  try {
    return await readAuditKey(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
  const handle = await open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, FILE_MODE);
  try {
    await handle.writeFile(`${JSON.stringify(jwk)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return jwk;
}
