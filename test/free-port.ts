import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below all ports that systems give out by themselves, so that nobody is given it before it is used. */
const [FROM, TO] = [16_000, 32_000];
const TRIES_MAX = 100;

/** A port of 127.0.0.1 for servers that cannot choose one themselves; with `beside`, as many after it are free too. */
export async function freePort(beside = 0): Promise<number> {
  for (let turn = 0; turn < TRIES_MAX; turn += 1) {
    const port = randomInt(FROM, TO);
    const tried = Array.from({ length: beside + 1 }, (_, index) => isFree(port + index));
    if ((await Promise.all(tried)).every(Boolean)) return port;
  }
  throw new Error('There is no free port.');
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
