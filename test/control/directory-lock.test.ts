import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeDirectoryLock } from '../../src/control/directory-lock-store.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-lock-'));
  path = join(folder, 'control.lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const MINE = { pid: process.pid, host: hostname() };

describe('the lock of a directory', () => {
  it('keeps a second one out while it is held, and stands no longer once it is let go', async () => {
    const first = await takeDirectoryLock(path);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(MINE);
    await expect(takeDirectoryLock(path)).rejects.toMatchObject({ code: 'CONTROL_PLANE_UNAVAILABLE' });
    await first[Symbol.asyncDispose]();
    expect(readdirSync(folder)).toEqual([]);
    await (await takeDirectoryLock(path))[Symbol.asyncDispose]();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['one that had the same number, as in a container', JSON.stringify(MINE)],
    ['one that is gone', JSON.stringify({ ...MINE, pid: 2 ** 22 + 1 })],
    ['a crash of the machine, half written', '{"pi'],
    ['names of every object', '{"__proto__":{"pid":1}}'],
  ])('lets the next one in over what was left by %s', async (_, text) => {
    writeFileSync(path, text);
    const taken = await takeDirectoryLock(path);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(MINE);
    await taken[Symbol.asyncDispose]();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['a process that lives', JSON.stringify({ ...MINE, pid: process.ppid })],
    ['another machine', JSON.stringify({ pid: 2 ** 22 + 1, host: `not-${hostname()}` })],
  ])('keeps out who finds the one of %s, and leaves it as it is', async (_, text) => {
    writeFileSync(path, text);
    await expect(takeDirectoryLock(path)).rejects.toMatchObject({ code: 'CONTROL_PLANE_UNAVAILABLE' });
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(readdirSync(folder)).toEqual(['control.lock']);
  });
});
