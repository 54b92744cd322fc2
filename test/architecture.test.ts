import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const LINES_MAX = 300;

/** Where the world comes in: files that say so by their name's end, the composition root and the command line. */
const IMPURE =
  /(?:-store|-source|-sink|-client|-server|-worker|-pool)\.ts$|^src\/(?:gateway|main)\.ts$|^src\/commands\//u;

const files = globSync(['src/**/*.ts', 'subgraphs/**/*.ts', 'demo/**/*.ts'], { cwd: ROOT }).map((path) => ({
  path,
  text: readFileSync(join(ROOT, path), 'utf8'),
}));

const offenders = (is: (file: (typeof files)[number]) => boolean): string[] =>
  files.filter(is).map(({ path }) => path);

const withoutComments = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gmu, '');

describe('the house', () => {
  it('is looked at whole', () => {
    expect(files.length).toBeGreaterThan(100);
  });

  it(`has no file over ${LINES_MAX} lines`, () => {
    expect(offenders(({ text }) => text.trimEnd().split('\n').length > LINES_MAX)).toEqual([]);
  });

  it('keeps clock, chance and environment out of its pure files', () => {
    const reaches =
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.(?:env|argv|cwd)\b|\bperformance\.now\b/u;
    expect(
      offenders(({ path, text }) => path.startsWith('src/') && !IMPURE.test(path) && reaches.test(text)),
    ).toEqual([]);
  });

  it('leaves nothing for later and names no path of a machine', () => {
    const left = /\b(?:TODO|FIXME|XXX)\b|['"`]\/(?:tmp|home|root|work)\//u;
    expect(offenders(({ text }) => left.test(text))).toEqual([]);
  });

  it('has no escape from the type checker', () => {
    const muted = /@ts-(?:ignore|expect-error|nocheck)/u;
    const untyped = /\bas any\b|: any[;,)>|\]=]/u;
    expect(offenders(({ text }) => muted.test(text) || untyped.test(withoutComments(text)))).toEqual([]);
  });

  it('imports its own files by name, never a folder', () => {
    expect(offenders(({ text }) => /from '\.{1,2}\/[^']*(?<!\.ts|\.json)';/u.test(text))).toEqual([]);
  });
});
