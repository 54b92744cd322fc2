import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GatewayError } from '../errors.ts';

const PEPPER_BYTES_MIN = 32;

/** Reads the secret that keys digests. Throws: CONFIG_INVALID where it is missing or short. */
export async function readPepper(file: string): Promise<Uint8Array> {
  const pepper = await readFile(file).catch((cause: unknown) => {
    throw new GatewayError('CONFIG_INVALID', {
      cause,
      details: [{ message: 'state.pepperFile cannot be read' }],
    });
  });
  if (pepper.length < PEPPER_BYTES_MIN) {
    const message = `state.pepperFile must hold ${PEPPER_BYTES_MIN} bytes or more`;
    throw new GatewayError('CONFIG_INVALID', { details: [{ message }] });
  }
  return pepper;
}

/** Reads the secret beside an embedded database, or makes it, readable by its owner only, where there is none. */
export async function keptPepper(file: string, random: Uint8Array): Promise<Uint8Array> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const made = await open(file, 'wx', 0o600).catch((fault: NodeJS.ErrnoException) => {
    if (fault.code !== 'EEXIST') throw fault;
    return null;
  });
  if (made === null) return readPepper(file);
  try {
    await made.writeFile(random);
    await made.sync();
  } finally {
    await made.close();
  }
  return random;
}
