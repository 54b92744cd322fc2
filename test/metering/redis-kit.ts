import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether a real Redis can be started here. */
export const redisInstalled = spawnSync('redis-server', ['--version']).status === 0;

if (!redisInstalled && process.env['REQUIRE_SERVICES'] === '1') {
  throw new Error('REQUIRE_SERVICES=1, but there is no redis-server on the PATH');
}

/** A Redis process. */
export interface RedisProcess {
  /** Lets it stand still: it answers nobody, and its connections stay. */
  pause(): void;
  goOn(): void;
  kill(): Promise<void>;
}

/** Starts a Redis of 127.0.0.1 that keeps nothing on disk, and waits until it answers. */
export async function startRedis(options: readonly string[]): Promise<RedisProcess> {
  const child = spawn('redis-server', ['--bind', '127.0.0.1', '--save', '', ...options], { stdio: 'pipe' });
  for await (const chunk of child.stdout) if (String(chunk).includes('eady to accept connections')) break;
  return {
    pause: () => void child.kill('SIGSTOP'),
    goOn: () => void child.kill('SIGCONT'),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** A Redis of one test file, on a Unix socket; `start` after `kill` is a restart with empty memory. */
export class RedisKit {
  readonly path: string;
  readonly #folder: string;
  readonly #port: number;
  #process: RedisProcess | undefined;

  constructor(folder: string, port = 0) {
    this.#folder = folder;
    this.#port = port;
    this.path = join(folder, 'redis.sock');
  }

  /** Listens on a port of 127.0.0.1 too, unless that is 0. */
  static async create(port = 0): Promise<RedisKit> {
    const kit = new RedisKit(await mkdtemp(join(tmpdir(), 'portcullis-redis-')), port);
    await kit.start();
    return kit;
  }

  async start(): Promise<void> {
    this.#process = await startRedis([
      ...['--port', String(this.#port), '--unixsocket', this.path, '--dir', this.#folder],
    ]);
  }

  pause(): void {
    this.#process?.pause();
  }

  goOn(): void {
    this.#process?.goOn();
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
