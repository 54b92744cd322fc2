import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { runCommandLine } from '../../src/commands/command-line.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
/** What Node compiled in an earlier run of the same files. */
const compileCache = { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '' };
const STUB = join(import.meta.dirname, 'stub-gateway.ts');

export interface Run {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly environment?: Record<string, string>;
  /** Runs `serve` on a gateway that does nothing. */
  readonly stubGateway?: boolean;
  /** Sent one by one, each when the text before it stands on standard output. */
  readonly signals?: readonly { readonly after: string; readonly send: NodeJS.Signals }[];
}

let turn: Promise<unknown> = Promise.resolve();

/** Runs the command line in this process, one at a time, since what it writes is caught at the process's own streams. */
export function portcullis(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Omit<Run, 'signal'>> {
  const run = turn.then(async () => {
    const [stdout, stderr] = [caught(process.stdout), caught(process.stderr)];
    try {
      const code = await runCommandLine([process.execPath, MAIN, ...args], environment);
      return { code, stdout: stdout.text(), stderr: stderr.text() };
    } finally {
      stdout.release();
      stderr.release();
    }
  });
  turn = run.catch(() => undefined);
  return run;
}

function caught(stream: NodeJS.WriteStream) {
  let text = '';
  const write = vi.spyOn(stream, 'write').mockImplementation((chunk, ...rest: unknown[]) => {
    text += chunk;
    const written = rest.at(-1);
    if (typeof written === 'function') written();
    return true;
  });
  return { text: () => text, release: () => write.mockRestore() };
}

/** Runs the command line in a process of its own until it ends. */
export function portcullisProcess(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const preload = options.stubGateway ? ['--import', STUB] : [];
  const child = spawn(process.execPath, [...preload, MAIN, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...compileCache, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const waiting = [...(options.signals ?? [])];
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    while (waiting[0] !== undefined && stdout.includes(waiting[0].after)) {
      child.kill(waiting.shift()?.send);
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
