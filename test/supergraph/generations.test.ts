import { describe, expect, it, vi } from 'vitest';
import { Generations } from '../../src/supergraph/generations.ts';

function generation(name: string) {
  return { name, close: vi.fn(async () => undefined) };
}

describe('generations', () => {
  it('give no lease before the first and after the end', async () => {
    const generations = new Generations(() => undefined);
    expect(generations.lease()).toBeNull();
    generations.replace(generation('a'));
    await generations.close();
    expect(generations.lease()).toBeNull();
  });

  it('close a replaced one only when its last user is done', () => {
    const [a, b] = [generation('a'), generation('b')];
    const generations = new Generations<ReturnType<typeof generation>>(() => undefined);
    generations.replace(a);
    const first = generations.lease();
    const second = generations.lease();
    generations.replace(b);
    expect(generations.lease()?.value).toBe(b);
    first?.release();
    first?.release();
    expect(a.close).not.toHaveBeenCalled();
    second?.release();
    expect(a.close).toHaveBeenCalledOnce();
    expect(b.close).not.toHaveBeenCalled();
  });

  it('let the one begun last win, whichever is built first, and close the other', async () => {
    const [slow, quick] = [generation('slow'), generation('quick')];
    const generations = new Generations<ReturnType<typeof generation>>(() => undefined);
    const built = Promise.withResolvers<typeof slow>();
    const overtaken = generations.succeed(() => built.promise);
    expect(await generations.succeed(async () => quick)).toBe('replaced');
    built.resolve(slow);
    expect(await overtaken).toBe('overtaken');
    expect(generations.current).toBe(quick);
    expect(slow.close).toHaveBeenCalledOnce();
  });

  it('close what was being built when everything ended', async () => {
    const late = generation('late');
    const generations = new Generations<ReturnType<typeof generation>>(() => undefined);
    const built = Promise.withResolvers<typeof late>();
    const outcome = generations.succeed(() => built.promise);
    await generations.close();
    built.resolve(late);
    expect(await outcome).toBe('overtaken');
    expect(late.close).toHaveBeenCalledOnce();
    expect(generations.current).toBeNull();
  });

  it('tell a close that fails', async () => {
    const onFault = vi.fn();
    const generations = new Generations(onFault);
    generations.replace({ close: () => Promise.reject(new Error('stuck')) });
    await generations.close();
    expect(onFault).toHaveBeenCalledOnce();
  });
});
