import { type ChildProcess, fork, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';

const READY_TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 100;
const EXIT_TIMEOUT_MS = 5_000;

/** A process of the benchmark. */
export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  stop(): Promise<void>;
}

interface ForkOptions {
  readonly file: string;
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  /** Where what it prints goes. */
  readonly logFile: string;
}

/** Production settings for everybody: the peers leave out their development checks then. */
const ENVIRONMENT = { ...process.env, NODE_ENV: 'production' };

/** Starts a TypeScript file on this very Node and waits until it announces that it is ready. */
export async function forkChild<Ready>(
  options: ForkOptions,
): Promise<{ readonly child: Child; readonly ready: Ready }> {
  const log = openSync(options.logFile, 'a');
  const forked = fork(options.file, [...(options.args ?? [])], {
    execPath: process.execPath,
    execArgv: [...(options.nodeArgs ?? [])],
    env: ENVIRONMENT,
    stdio: ['ignore', log, log, 'ipc'],
  });
  const child = childOf(forked);
  try {
    return { child, ready: await messageFrom<Ready>(child, READY_TIMEOUT_MS) };
  } catch (fault) {
    await child.stop();
    throw new Error(`${options.file} did not start; see ${options.logFile}`, { cause: fault });
  }
}

/** Starts a program that cannot announce itself and waits until it answers over HTTP, or takes connections at a redis:// URL. */
export async function spawnChild(options: {
  readonly command: string;
  readonly args: readonly string[];
  readonly readyUrl: string;
  readonly logFile: string;
}): Promise<Child> {
  const log = openSync(options.logFile, 'a');
  const spawned = spawn(options.command, options.args, { env: ENVIRONMENT, stdio: ['ignore', log, log] });
  const child = childOf(spawned);
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (!(await answers(options.readyUrl))) {
    if (spawned.exitCode !== null || performance.now() > deadline) {
      await child.stop();
      throw new Error(`${options.command} did not start; see ${options.logFile}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
  return child;
}

/** The next message of a child; rejects when it ends instead or says nothing in time. */
export function messageFrom<Message>({ process: child }: Child, timeoutMs: number): Promise<Message> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
      finish();
    };
    const onMessage = (message: unknown): void => settle(() => resolve(message as Message));
    const onExit = (code: number | null): void =>
      settle(() => reject(new Error(`the process ended with ${code}`)));
    const timer = setTimeout(() => settle(() => reject(new Error('no message in time'))), timeoutMs);
    child.once('message', onMessage).once('exit', onExit);
  });
}

/** A port that was free a moment ago, for programs that cannot choose one themselves. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function answers(url: string): Promise<boolean> {
  if (url.startsWith('redis:')) return connects(Number(new URL(url).port));
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(READY_TIMEOUT_MS) });
    await response.arrayBuffer();
    return true;
  } catch {
    // Not listening yet.
    return false;
  }
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function childOf(spawned: ChildProcess): Child {
  // Programs that know nothing of the benchmark would outlive it when it is interrupted.
  const kill = (): void => void spawned.kill('SIGKILL');
  process.once('exit', kill);
  spawned.once('exit', () => process.off('exit', kill));
  const exited = new Promise<void>((resolve) => {
    spawned.once('exit', () => resolve());
    spawned.once('error', () => resolve());
  });
  return {
    process: spawned,
    pid: spawned.pid ?? 0,
    stop: async () => {
      if (spawned.exitCode !== null || spawned.pid === undefined) return;
      spawned.kill('SIGTERM');
      const timer = setTimeout(() => spawned.kill('SIGKILL'), EXIT_TIMEOUT_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}
