import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Told {
  readonly calls: number;
  readonly kept: number;
}

describe('a process that settles in', () => {
  let before: Told;
  let after: Told;
  const cache = mkdtempSync(join(tmpdir(), 'portcullis-settle-in-'));
  beforeAll(() => {
    // On one thread, so that what is compiled when follows from the calls alone.
    const flags = ['--allow-natives-syntax', '--single-threaded'];
    const child = join(import.meta.dirname, 'settle-in-child.ts');
    const { stdout, stderr, signal } = spawnSync(process.execPath, [...flags, child], {
      ...{ encoding: 'utf8', env: { NODE_COMPILE_CACHE: cache } },
    });
    expect([signal, stderr]).toEqual(['SIGKILL', '']);
    ({ before, after } = JSON.parse(stdout));
  });
  afterAll(() => rmSync(cache, { recursive: true, force: true }));

  it('has what is called again and again compiled for good after far fewer calls', () => {
    expect(after.calls).toBeLessThan(before.calls / 4);
  });

  it('leaves what it compiled to the next start, though it is killed', () => {
    expect(before.kept).toBe(0);
    expect(after.kept).toBeGreaterThan(0);
  });
});
