import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
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

/** Runs the command line in a child process until it ends. */
export function portcullis(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const preload = options.stubGateway ? ['--import', STUB] : [];
  const child = spawn(process.execPath, [...preload, MAIN, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...options.environment },
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
