import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileAuditSink } from '../../src/audit/audit-file-sink.ts';
import { readAuditKey } from '../../src/audit/audit-key-store.ts';
import { AuditLogStore } from '../../src/audit/audit-log-store.ts';
import { listSegments } from '../../src/audit/segment-read-store.ts';
import { checkAudit } from '../../src/commands/audit.ts';

/** What a row of kills did to one log. */
export interface KillReport {
  readonly kills: number;
  readonly mutations: number;
  readonly queries: number;
  /** Answered mutations that the log does not tell. */
  readonly mutationsLost: readonly string[];
  readonly queriesLost: number;
  /** How long before the last answer the oldest query was answered that is lost. */
  readonly windowMs: number;
  readonly breaks: readonly unknown[];
  readonly open: boolean;
}

interface Answered {
  readonly kind: string;
  readonly id: string;
  readonly atMs: number;
}

/** Each life has some of both kinds, however busy the machine is that it is lived on. */
const ANSWERS_MIN = 40;

/** Kills a writer that answers mutations and queries again and again, at random moments, and reads what the log kept. */
export async function killWriters(kills: number, untilMs = Number.POSITIVE_INFINITY): Promise<KillReport> {
  const home = await mkdtemp(join(tmpdir(), 'audit-kill-'));
  const [directory, keyPath] = [join(home, 'log'), join(home, 'key.json')];
  const lives: (readonly Answered[])[] = [];
  try {
    while (lives.length < kills && performance.now() < untilMs)
      lives.push(await oneLife(directory, keyPath, lives.length));
    await sealLast(directory, keyPath);
    const told = await idsIn(directory);
    const { breaks, open } = await checkAudit(directory, await readAuditKey(keyPath));
    const answered = lives.flat();
    const lost = answered.filter(({ id }) => !told.has(id));
    const ofKind = (list: readonly Answered[], wanted: string) => list.filter(({ kind }) => kind === wanted);
    return {
      kills: lives.length,
      mutations: ofKind(answered, 'mutation').length,
      queries: ofKind(answered, 'query').length,
      mutationsLost: ofKind(lost, 'mutation').map(({ id }) => id),
      queriesLost: ofKind(lost, 'query').length,
      windowMs: Math.max(0, ...lives.map((life) => windowOf(life, told))),
      ...{ breaks, open },
    };
  } finally {
    await rm(home, { recursive: true });
  }
}

/** Lets a writer answer for some time, then kills it; gives what it had answered. */
async function oneLife(directory: string, keyPath: string, run: number): Promise<readonly Answered[]> {
  const writer = join(import.meta.dirname, 'audit-kill-writer.ts');
  const child = spawn(process.execPath, [writer, directory, keyPath, String(run)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const ended = once(child, 'close');
  while (text.split('\n').length <= ANSWERS_MIN) await once(child.stdout, 'data');
  const untilMs = performance.now() + Math.random() * 150;
  while (performance.now() < untilMs) await new Promise(setImmediate);
  child.kill('SIGKILL');
  await ended;
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [kind = '', id = '', at = ''] = line.split(' ');
      return { kind, id, atMs: Number(at) };
    });
}

function windowOf(life: readonly Answered[], told: ReadonlySet<string>): number {
  const lastMs = life.at(-1)?.atMs ?? 0;
  const firstLost = life.find(({ kind, id }) => kind === 'query' && !told.has(id));
  return firstLost === undefined ? 0 : lastMs - firstLost.atMs;
}

/** As the next start of a gateway does. */
async function sealLast(directory: string, keyPath: string): Promise<void> {
  const options = { directory, clock: Date.now };
  const store = await AuditLogStore.open({
    ...options,
    ...{ keyPath, segmentBytesMax: 200_000, onRecovery: () => undefined },
  });
  const sink = await FileAuditSink.open({
    ...options,
    openFile: store.openFile,
    onFault: (fault) => {
      throw fault;
    },
  });
  await sink.close();
  await store.close();
}

/** Requests of which the log tells at all, by intent or event. */
async function idsIn(directory: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const path of await listSegments(directory)) {
    for (const [, id] of (await readFile(path, 'utf8')).matchAll(/"requestId":"([^"]+)"/gu))
      ids.add(id ?? '');
  }
  return ids;
}
