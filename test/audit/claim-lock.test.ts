import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { beginOf, lockAuditDirectory } from '../../src/audit/audit-lock-store.ts';
import { claimLock, type LockFiles, type LockOwner, lockFiles } from '../../src/audit/claim-lock-store.ts';
import { openLockDoor } from '../../src/audit/lock-door-server.ts';
import { runs } from '../property-runs.ts';

const DEAD = 99;
const LEFT = JSON.stringify({ pid: DEAD, host: 'here', token: 'left' });
const owner = (pid: number): LockOwner => ({ pid, host: 'here', token: `t${pid}` });
/** What is left after the first, second and third crash in the moment of taking over. */
const names = ['lock', 'lock.takeover', 'lock.takeover.takeover'];

/** Files in memory; each step waits for its turn, and of a process that died none is done. */
function steps(files: Map<string, string>, turn: () => Promise<void>): LockFiles {
  const step = async <T>(act: () => T): Promise<T> => {
    await turn();
    return act();
  };
  const named = (path: string): string => files.get(path) ?? expect.unreachable();
  return {
    write: (path, text) => step(() => void files.set(path, text)),
    link: (path, name) => step(() => !files.has(name) && files.set(name, named(path)).has(name)),
    read: (path) => step(() => files.get(path) ?? null),
    rename: (path, name) =>
      step(() => {
        files.set(name, named(path));
        files.delete(path);
      }),
    remove: (path) => step(() => void files.delete(path)),
  };
}

describe('a lock that several processes claim at once', () => {
  it('is had by one at most, however their steps fall, whoever dies, and by one where nobody does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 0, max: names.length }),
        fc.constantFrom(LEFT, '{"pid":'),
        fc.array(fc.option(fc.integer({ min: 0, max: 12 }), { nil: Number.POSITIVE_INFINITY, freq: 2 }), {
          ...{ minLength: 2, maxLength: 4 },
        }),
        async (scheduler, leftFiles, left, deaths) => {
          const files = new Map(names.slice(0, leftFiles).map((name) => [name, left]));
          const dead = new Set([DEAD]);
          const claims = deaths.map((diesAt, index) => {
            const pid = 100 + index;
            let done = 0;
            const turn = async (): Promise<void> => {
              if (dead.has(pid)) throw new Error('dead');
              await scheduler.schedule(Promise.resolve(), `${pid} step ${done}`);
              if (done === diesAt) dead.add(pid);
              done += 1;
              if (dead.has(pid)) throw new Error('dead');
            };
            return claimLock('lock', owner(pid), {
              files: steps(files, turn),
              lives: (each) => !dead.has(each),
            });
          });
          const settled = await scheduler.waitFor(Promise.allSettled(claims));
          const had = settled.flatMap((each, index) =>
            each.status === 'fulfilled' && !dead.has(100 + index) ? [each.value] : [],
          );
          expect(had.length).toBeLessThanOrEqual(1);
          if (had.length === 1) expect(files.get('lock')).toBe(had[0]);
          if (dead.size > 1) return;
          expect(had).toHaveLength(1);
          expect([...files.keys()].filter((name) => /t1\d\d/u.test(name))).toEqual([]);
        },
      ),
      { numRuns: runs(300) },
    );
  });
});

describe('a lock on disk', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portcullis-lock-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const claim = (pid: number, files = lockFiles()) =>
    claimLock(join(folder, 'lock'), owner(pid), { files, lives: (each) => each !== DEAD });
  const withoutLinks = lockFiles(() =>
    Promise.reject(Object.assign(new Error('no links'), { code: 'EPERM' })),
  );

  it.each([
    ['with hard links', lockFiles()],
    ['without hard links', withoutLinks],
  ])('is claimed by one, taken over from the dead, and nothing else is left, %s', async (_, files) => {
    await writeFile(join(folder, 'lock'), LEFT);
    const content = await claim(1, files);
    await expect(claim(2, files)).rejects.toThrow('process 1 of another gateway');
    expect(await readFile(join(folder, 'lock'), 'utf8')).toBe(content);
    expect(await readdir(folder)).toEqual(['lock']);
  });

  it('whose number another process has by now is taken over, and not where it may be the same', async () => {
    const { ppid: pid } = process;
    const left = (began: string | undefined) =>
      writeFile(join(folder, 'audit.lock'), JSON.stringify({ pid, began, host: hostname(), token: 'left' }));
    const refusal = `process ${pid} of another gateway`;
    const began = beginOf(pid);
    await left(began);
    await expect(lockAuditDirectory(folder)).rejects.toThrow(refusal);
    await left(undefined);
    await expect(lockAuditDirectory(folder)).rejects.toThrow(refusal);
    await left('before:1');
    // Only some systems tell when a process began.
    if (began === undefined) return expect(lockAuditDirectory(folder)).rejects.toThrow(refusal);
    const lock = await lockAuditDirectory(folder);
    expect(await lock.held()).toBe(true);
    await lock.release();
  });

  it('is refused as long as its owner answers, though the numbers of processes say that it is gone', async () => {
    const [pid, token] = [process.pid, '0123abcd-left'];
    const door = await openLockDoor(folder, token);
    const left = { pid, host: hostname(), token, door: door.name };
    await writeFile(join(folder, 'audit.lock'), JSON.stringify(left));
    await expect(lockAuditDirectory(folder)).rejects.toThrow(`process ${pid} of another gateway`);
    expect((await readdir(folder)).sort()).toEqual(['audit.0123abcd.sock', 'audit.lock']);
    await door.close();
    const lock = await lockAuditDirectory(folder);
    expect(await readdir(folder)).not.toContain('audit.0123abcd.sock');
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('is taken over from who died at its door, and from who names none that can be', async () => {
    const child = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', child, join(folder, 'audit.0123abcd.sock')]);
    expect(await readdir(folder)).toEqual(['audit.0123abcd.sock']);
    for (const door of ['audit.0123abcd.sock', '../audit.lock', 7]) {
      const left = { pid: process.pid, host: hostname(), token: 'left', door };
      await writeFile(join(folder, 'audit.lock'), JSON.stringify(left));
      await (await lockAuditDirectory(folder)).release();
      expect(await readdir(folder)).toEqual([]);
    }
  });

  it('is had without a door where its path is too long for one', async () => {
    const long = join(folder, 'a'.repeat(100));
    const lock = await lockAuditDirectory(long);
    expect(await readdir(long)).toEqual(['audit.lock']);
    expect(await lock.held()).toBe(true);
    await lock.release();
  });

  it('that was left in the moment of taking over, again and again, is told to be removed by hand', async () => {
    for (let takeovers = 0; takeovers <= 4; takeovers += 1)
      await writeFile(join(folder, `lock${'.takeover'.repeat(takeovers)}`), LEFT);
    await expect(claim(1)).rejects.toThrow('by hand');
    await rm(join(folder, `lock${'.takeover'.repeat(4)}`));
    await claim(1);
    expect(await readdir(folder)).toEqual(['lock']);
  });
});
