import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Compiler, createCompiler } from '../../src/operation/compiler-pool.ts';
import type { CompiledOperation } from '../../src/operation/operation.ts';
import { type HotOperation, warmUp } from '../../src/operation/warm-up.ts';
import { COMPILER_OPTIONS, compose } from './graph-kit.ts';

const SECRET = 'secret: String @requiresScopes(scopes: [["s"]])';
const OLD = compose(`type Query { a: String gone: String ${SECRET} }`);
const NEW = compose(`type Query { a: String fresh: String ${SECRET} }`);
const STRICTER = compose('type Query { a: String secret: String @requiresScopes(scopes: [["t"]]) }');

const opened: Compiler[] = [];
afterEach(async () => {
  for (const compiler of opened.splice(0)) await compiler.close();
});
async function compilerOf(graph: { readonly id: string; readonly sdl: string }): Promise<Compiler> {
  const compiler = await createCompiler(graph, COMPILER_OPTIONS);
  opened.push(compiler);
  return compiler;
}
const warm = (hot: readonly HotOperation[], compile: Compiler['compile'], timeoutMs = 10_000) =>
  warmUp(hot, { compile, atOnceMax: 1, timeoutMs });

describe('the hottest operations', () => {
  it('are those used most, and no more than asked for', async () => {
    const compiler = await compilerOf(OLD);
    for (const text of ['{ x: a }', '{ y: a }', '{ z: a }']) await compiler.compile(text, null);
    for (let use = 0; use < 3; use += 1) compiler.compile('{ y: a }', null);
    compiler.compile('{ x: a }', null);
    expect(compiler.hottest(2).map(({ text }) => text)).toEqual(['{ y: a }', '{ x: a }']);
    expect(compiler.hottest(0)).toEqual([]);
    expect(compiler.hottest(9)).toHaveLength(3);
  });

  it('do not hold what was refused', async () => {
    const compiler = await compilerOf(OLD);
    await Promise.resolve(compiler.compile('{ nothing }', null)).catch(() => undefined);
    expect(compiler.hottest(9)).toEqual([]);
  });
});

describe('warming up', () => {
  it('makes operations and the masks in use ready, so that nothing waits for a compile', async () => {
    const [old, next] = [await compilerOf(OLD), await compilerOf(NEW)];
    const operation = await old.compile('query Q { a secret }', 'Q');
    await operation.planFor('0');
    const hot = old.hottest(9);
    expect(await warm(hot, (text, name) => next.compile(text, name))).toEqual({ compiled: 1, skipped: 0 });
    const known = next.compile('query Q { a secret }', 'Q');
    expect(known).not.toBeInstanceOf(Promise);
    // The next generation now has the mask in use as well.
    expect(next.hottest(9)).toEqual(hot);
  });

  it('leaves masks out where the rules are others, since they would stand for other callers', async () => {
    const [old, next] = [await compilerOf(OLD), await compilerOf(STRICTER)];
    await ((await old.compile('{ a secret }', null)) as CompiledOperation).planFor('0');
    await warm(old.hottest(9), (text, name) => next.compile(text, name));
    expect(next.hottest(9)).toMatchObject([{ text: '{ a secret }', masks: [] }]);
  });

  it('counts what no longer compiles and goes on with the rest', async () => {
    const [old, next] = [await compilerOf(OLD), await compilerOf(NEW)];
    for (const text of ['{ gone }', '{ a }']) await old.compile(text, null);
    for (let use = 0; use < 3; use += 1) old.compile('{ gone }', null);
    expect(await warm(old.hottest(9), (text, name) => next.compile(text, name))).toEqual({
      compiled: 1,
      skipped: 1,
    });
    expect(next.compile('{ a }', null)).not.toBeInstanceOf(Promise);
    expect(() => next.compile('{ gone }', null)).toThrow(
      expect.objectContaining({ code: 'GRAPHQL_VALIDATION_FAILED' }),
    );
  });

  it('waits no longer than its time and starts nothing after it', async () => {
    const stuck = Promise.withResolvers<CompiledOperation>();
    const compile = vi.fn(() => stuck.promise);
    const hot = ['{ a }', '{ b: a }'].map((text) => ({
      text,
      operationName: null,
      guards: '[[],[]]',
      masks: [],
    }));
    expect(await warm(hot, compile, 1)).toEqual({ compiled: 0, skipped: 2 });
    stuck.reject(new Error('too late'));
    await expect(stuck.promise).rejects.toThrow('too late');
    expect(compile).toHaveBeenCalledTimes(1);
  });
});
