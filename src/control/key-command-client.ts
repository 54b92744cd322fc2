import { spawn } from 'node:child_process';
import { z } from 'zod';
import { type KeyWrapper, localKeyWrapper, MASTER_KEY_BYTES, NotOpenedError } from './envelope.ts';
import type { KeyCommand } from './key-command.ts';

/** What keeps a run from an answer. Invariant: nothing of what the program was told or said. */
export class KeyCommandError extends Error {
  override readonly name = 'KeyCommandError';
}

/** What data keys are wrapped with: the first key seals unless there is a command, and all open. */
export interface KeyWrapping {
  readonly masterKeys: readonly { readonly id: string; readonly key: Uint8Array }[];
  readonly command?: KeyCommand | undefined;
}

/** An answer is some hundred bytes. */
const OUTPUT_BYTES_MAX = 65_536;
const WAITING_MAX = 128;

const wrappedSchema = z.strictObject({
  keyId: z.string().regex(/^[\x21-\x7e]{1,512}$/u),
  wrapped: z.string().regex(/^[\x21-\x7e]{1,4096}$/u),
});
const unwrappedSchema = z.union([
  z.strictObject({ dataKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/u) }),
  z.strictObject({ notOpened: z.literal(true) }),
]);

/** Null where nothing can be wrapped. Throws: TypeError. */
export function keyWrapperOf(
  { masterKeys, command }: KeyWrapping,
  randomBytes: (length: number) => Uint8Array,
): KeyWrapper | null {
  const local = masterKeys.length === 0 ? null : localKeyWrapper(masterKeys, randomBytes);
  if (command === undefined) return local;
  const service = commandKeyWrapper(command);
  const ids = new Set(masterKeys.map(({ id }) => id));
  return {
    wrap: (dataKey) => service.wrap(dataKey),
    // What was sealed before there was a command.
    unwrap: (keyId, wrapped) => (ids.has(keyId) && local !== null ? local : service).unwrap(keyId, wrapped),
  };
}

/**
 * Wraps by a program, run once for each key: it reads one object of JSON and writes one. `{"action":"wrap","dataKey"}` is answered by
 * `{"keyId","wrapped"}`, `{"action":"unwrap","keyId","wrapped"}` by `{"dataKey"}`, or by `{"notOpened":true}`; data keys are in base64url.
 * Throws: KeyCommandError where it does not answer so, in time, and with status 0.
 */
export function commandKeyWrapper(command: KeyCommand): KeyWrapper {
  const ask = inTurn(command.processesMax, (request: object) => run(command, JSON.stringify(request)));
  return {
    async wrap(dataKey) {
      const answer = await ask({ action: 'wrap', dataKey: Buffer.from(dataKey).toString('base64url') });
      return read(wrappedSchema, answer);
    },
    async unwrap(keyId, wrapped) {
      const answer = read(unwrappedSchema, await ask({ action: 'unwrap', keyId, wrapped }));
      if ('notOpened' in answer) throw new NotOpenedError('the key service does not open it');
      const dataKey = Buffer.from(answer.dataKey, 'base64url');
      if (dataKey.length !== MASTER_KEY_BYTES) throw new KeyCommandError('the key command gave no data key');
      return dataKey;
    },
  };
}

function read<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    // What it says instead may hold a key.
    throw new KeyCommandError('the key command does not answer in its form');
  }
}

/** Lets so many work at once, the others after them. */
function inTurn<A, T>(most: number, work: (asked: A) => Promise<T>): (asked: A) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (asked) => {
    if (running < most) running += 1;
    else if (waiting.length >= WAITING_MAX) throw new KeyCommandError('too many wait for the key command');
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work(asked);
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

function run({ file, args, environment, timeoutMs }: KeyCommand, request: string): Promise<string> {
  const env = Object.fromEntries(environment.map((name) => [name, process.env[name]]));
  return new Promise((resolve, reject) => {
    // In a group of its own, so that what it starts ends with it; what it complains of may hold a key.
    const child = spawn(file, [...args], { env, detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
    const chunks: Buffer[] = [];
    let bytes = 0;
    let isClosed = false;
    const fail = (message: string): void => {
      clearTimeout(timer);
      reject(new KeyCommandError(message));
      if (child.pid === undefined) return;
      // Of what holds its output some is alive: the number is no other's.
      if (!isClosed) killGroup(child.pid);
      child.stdout.destroy();
    };
    const timer = setTimeout(() => fail('the key command takes too long'), timeoutMs);
    child.on('error', () => fail('the key command cannot be run'));
    // Where the process may open no more files there are no pipes either, whatever their types say.
    if (child.pid === undefined) return;
    // One that does not read to the end says by its answer what came of it.
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > OUTPUT_BYTES_MAX) fail('the key command says too much');
    });
    child.on('close', (code) => {
      isClosed = true;
      if (code !== 0) return fail('the key command failed');
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).toString('utf8'));
    });
    child.stdin.end(`${request}\n`);
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // It ended meanwhile, or runs as somebody else who has to end it: no call waits for it any more.
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
