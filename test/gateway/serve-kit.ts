import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/** A `portcullis serve` in a process of its own. */
export interface Served {
  readonly child: ChildProcess;
  /** Resolves to the endpoint once it listens; rejects when the process ends before. */
  readonly url: Promise<string>;
  /** All that it has written so far. */
  output(): { readonly stdout: string; readonly stderr: string };
  /** Resolves to the exit code. */
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
}

/** Starts `portcullis serve --port 0` on a configuration file. */
export function serve(config: string, nodeOptions: readonly string[] = []): Served {
  const child = spawn(process.execPath, [...nodeOptions, MAIN, 'serve', '-c', config, '--port', '0'], {
    env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let stdout = '';
  let stderr = '';
  const listening = Promise.withResolvers<string>();
  listening.promise.catch(() => undefined);
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    const [, url] = /^listening on (\S+)\n/mu.exec(stdout) ?? [];
    if (url !== undefined) listening.resolve(url);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code]: (number | null)[]) => {
    listening.reject(new Error(`The gateway ended with ${code}: ${stderr}`));
    return code ?? null;
  });
  return {
    child,
    url: listening.promise,
    output: () => ({ stdout, stderr }),
    ended,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
