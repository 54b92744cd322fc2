import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Compiler, createCompiler } from '../../src/operation/compiler-pool.ts';
import type { CompiledOperation } from '../../src/operation/operation.ts';
import { COMPILER_OPTIONS, compose } from './graph-kit.ts';

const GRAPH = compose(`
  type Query { a: String q: Query any: Any json(value: Json): Int secret: String @requiresScopes(scopes: [["s"]]) list(value: [Int]): Int }
  scalar Json
  union Any = A | B type A { id: ID } type B { id: ID }
`);

const codeOfAsync = async (work: () => unknown): Promise<string> => {
  try {
    await work();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'nothing refused';
};

/** Valid, and slow to understand: many fields with the same key, compared two by two. */
const slow = (mark: string) =>
  `query ${mark}(${Array.from({ length: 8 }, (_, i) => `$v${i}: Boolean!`).join(' ')}) { ${Array.from({ length: 4 }, (_, i) => `k${i}: q { ...F0 }`).join(' ')} } ` +
  Array.from(
    { length: 8 },
    (_, i) => `fragment F${i} on Query { ...F${i + 1} @include(if: $v${i}) ...F${i + 1} @skip(if: $v${i}) }`,
  ).join(' ') +
  ' fragment F8 on Query { a q { a } }';

describe('the compiler', () => {
  let compiler: Compiler;
  beforeAll(async () => {
    compiler = await createCompiler(GRAPH, COMPILER_OPTIONS);
  });
  afterAll(() => compiler.close());

  it('gives the same operation for the same text, at once when it is known', async () => {
    const first = await compiler.compile('{ a }', null);
    const again = compiler.compile('{ a }', null);
    expect(again).toBe(first);
    expect(Object.isFrozen(first)).toBe(true);
  });

  it('compiles once for callers that ask at the same time', async () => {
    const [first, second] = [compiler.compile('{ b: a }', null), compiler.compile('{ b: a }', null)];
    expect(second).toBe(first);
    expect(await first).toBe(await second);
  });

  it('keeps operations of one document apart', async () => {
    const text = 'query A { a } query B { secret }';
    const [a, b] = await Promise.all([compiler.compile(text, 'A'), compiler.compile(text, 'B')]);
    expect([a.name, b.name]).toEqual(['A', 'B']);
    expect(a.hash).not.toBe(b.hash);
    expect([a.guards.length, b.guards.length]).toEqual([0, 1]);
  });

  it('has one hash for one text, whether or not a request repeats the name of its only operation', async () => {
    const [named, unnamed] = await Promise.all([
      compiler.compile('query Only { a }', 'Only'),
      compiler.compile('query Only { a }', null),
    ]);
    expect(named.hash).toBe(unnamed.hash);
    expect((await compiler.compile('query Other { a }', null)).hash).not.toBe(named.hash);
  });

  it('gives refusals again without compiling again', async () => {
    const text = '{ nothing }';
    expect(await codeOfAsync(() => compiler.compile(text, null))).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(() => compiler.compile(text, null)).toThrow(
      expect.objectContaining({ code: 'GRAPHQL_VALIDATION_FAILED' }),
    );
  });

  it('lets no document stand in for another by the bytes between name and text', async () => {
    const text = 'query Foo { a }';
    for (const attack of [`Foo\0${text}`, `3:Foo${text}`, `Foo${text}`, `:${text}`]) {
      expect(await codeOfAsync(() => compiler.compile(attack, null))).toBe('GRAPHQL_PARSE_FAILED');
    }
    for (const [name, rest] of [
      ['Fo', `o${text}`],
      ['Foo\0', text],
      ['', `Foo${text}`],
    ] as const) {
      expect(await codeOfAsync(() => compiler.compile(rest, name))).not.toBe('nothing refused');
    }
    expect((await compiler.compile(text, 'Foo')).name).toBe('Foo');
    await compiler.compile('#\0\n{ c: a }', null);
    expect(await codeOfAsync(() => compiler.compile('\n{ c: a }', '#'))).toBe('OPERATION_RESOLUTION_FAILURE');
  });

  it('gives the same variant for the same mask, and each mask its own', async () => {
    const operation = await compiler.compile('{ a secret }', null);
    const [whole, masked] = await Promise.all([operation.planFor(''), operation.planFor('0')]);
    expect(whole.text).toContain('secret');
    expect(masked.text).not.toContain('secret');
    expect(await operation.planFor('0')).toBe(masked);
    expect(whole.id).not.toBe(masked.id);
    expect(masked.shape.types.get('Query')?.fields.map(({ key, denied }) => [key, denied !== null])).toEqual([
      ['a', false],
      ['secret', true],
    ]);
  });

  it.each([
    ['fragments', `{ ${'... { '.repeat(3_000)} a ${'} '.repeat(3_000)} }`],
    ['fields', `${'{ q '.repeat(3_000)} { a } ${'} '.repeat(3_000)}`],
    ['list values', `{ list(value: ${'['.repeat(4_900)}${']'.repeat(4_900)}) }`],
    ['values of a scalar', `{ json(value: ${'['.repeat(4_900)}${']'.repeat(4_900)}) }`],
    ['a default', `query($j: Json = ${'['.repeat(4_900)}${']'.repeat(4_900)}) { json(value: $j) }`],
    [
      'objects in a default',
      `query($j: Json = ${'{a:'.repeat(2_400)}1${'}'.repeat(2_400)}) { json(value: $j) }`,
    ],
    ['a type', `query($j: ${'['.repeat(4_900)}Int${']'.repeat(4_900)}) { list(value: $j) }`],
  ])('survives thousands of levels of %s', async (_, text) => {
    const outcome = await codeOfAsync(() => compiler.compile(text, null));
    expect([
      'nothing refused',
      'OPERATION_TOO_COMPLEX',
      'MAX_DEPTH_LIMIT',
      'GRAPHQL_VALIDATION_FAILED',
    ]).toContain(outcome);
    expect((await compiler.compile('{ d: a }', null)).name).toBeNull();
  });

  it('refuses what exceeds a limit with its code', async () => {
    expect(await codeOfAsync(() => compiler.compile('{ a '.repeat(6_000), null))).toBe('MAX_TOKENS_LIMIT');
  });
});

describe('a compiler under load', () => {
  it('refuses what takes longer than its time, recovers, and holds no refusal for it', async () => {
    const compiler = await createCompiler(GRAPH, { ...COMPILER_OPTIONS, timeoutMs: 1 });
    try {
      const first = compiler.compile(slow('One'), null);
      expect(await codeOfAsync(() => first)).toBe('OPERATION_TOO_COMPLEX');
      const again = compiler.compile(slow('One'), null);
      expect(again).toBeInstanceOf(Promise);
      expect(await codeOfAsync(() => again)).toBe('OPERATION_TOO_COMPLEX');
    } finally {
      await compiler.close();
    }
  });

  it('refuses what its queue has no room for as overload, and takes it later', async () => {
    const compiler = await createCompiler(GRAPH, { ...COMPILER_OPTIONS, queueMax: 1 });
    try {
      const started = ['A', 'B', 'C', 'D', 'E'].map((name) => compiler.compile(`query ${name} { a }`, null));
      const outcomes = await Promise.all(started.map((each) => codeOfAsync(() => each)));
      expect(outcomes).toContain('SERVER_OVERLOADED');
      expect(outcomes).toContain('nothing refused');
      expect(outcomes.filter((code) => code !== 'SERVER_OVERLOADED' && code !== 'nothing refused')).toEqual(
        [],
      );
      expect((await compiler.compile('query E { a }', null)).name).toBe('E');
    } finally {
      await compiler.close();
    }
  });

  it('does not blame an operation for the time that others took', async () => {
    const compiler = await createCompiler(GRAPH, { ...COMPILER_OPTIONS, timeoutMs: 1 });
    try {
      const hog = compiler.compile(slow('Hog'), null);
      const quick = compiler.compile('{ quick: a }', null);
      expect(await codeOfAsync(() => hog)).toBe('OPERATION_TOO_COMPLEX');
      expect(['SERVER_OVERLOADED', 'nothing refused']).toContain(await codeOfAsync(() => quick));
      const again = compiler.compile('{ quick: a }', null);
      expect(await codeOfAsync(() => again)).not.toBe('GRAPHQL_VALIDATION_FAILED');
    } finally {
      await compiler.close();
    }
  });

  it('holds no more operations than its cache may', async () => {
    const compiler = await createCompiler(GRAPH, { ...COMPILER_OPTIONS, cacheMax: 2 });
    try {
      const texts = ['{ x: a }', '{ y: a }', '{ z: a }'];
      const known: CompiledOperation[] = [];
      for (const text of texts) known.push(await compiler.compile(text, null));
      expect(compiler.compile('{ z: a }', null)).toBe(known[2]);
      const evicted = compiler.compile('{ x: a }', null);
      expect(evicted).toBeInstanceOf(Promise);
      expect(await evicted).not.toBe(known[0]);
    } finally {
      await compiler.close();
    }
  });

  it('starts no work once it is closed', async () => {
    const compiler = await createCompiler(GRAPH, COMPILER_OPTIONS);
    await compiler.close();
    expect(await codeOfAsync(() => compiler.compile('{ a }', null))).toBe('SHUTTING_DOWN');
  });
});

describe('threads of a compiler that is closed', () => {
  const OTHER = compose('type Query { a: Int b: String }');
  /** A heap of their own size: nothing else that is started in this process takes them. */
  const options = { ...COMPILER_OPTIONS, memoryMb: 131 };
  let started = 0;
  const count = () => {
    started += 1;
  };
  beforeAll(() => {
    process.on('worker', count);
  });
  afterAll(() => {
    process.off('worker', count);
  });

  it('are taken over by the next, which compiles on its own graph only', async () => {
    const first = await createCompiler(GRAPH, options);
    await first.compile('{ q { a } }', null);
    await first.close();
    const before = started;
    const next = await createCompiler(OTHER, { ...options, limits: { ...options.limits, depth: 1 } });
    try {
      expect(started).toBe(before);
      expect((await next.compile('{ b }', null)).supergraphId).toBe(OTHER.id);
      expect(await codeOfAsync(() => next.compile('{ q { a } }', null))).not.toBe('nothing refused');
      expect(await codeOfAsync(() => next.compile('{ secret }', null))).toBe('GRAPHQL_VALIDATION_FAILED');
      expect(await codeOfAsync(() => first.compile('{ b }', null))).toBe('SHUTTING_DOWN');
    } finally {
      await next.close();
    }
  });

  it('are held by one compiler at a time', async () => {
    const [one, other] = [await createCompiler(GRAPH, options), await createCompiler(OTHER, options)];
    try {
      expect((await one.compile('{ secret }', null)).guards).toHaveLength(1);
      expect(await codeOfAsync(() => other.compile('{ secret }', null))).toBe('GRAPHQL_VALIDATION_FAILED');
      expect((await other.compile('{ b }', null)).supergraphId).toBe(OTHER.id);
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  });

  it('are ended where they are at work, and what they worked at is refused', async () => {
    const compiler = await createCompiler(GRAPH, options);
    const outcome = codeOfAsync(() => compiler.compile(slow('Closed'), null));
    await compiler.close();
    expect(await outcome).not.toBe('nothing refused');
    const next = await createCompiler(OTHER, options);
    expect((await next.compile('{ b }', null)).supergraphId).toBe(OTHER.id);
    await next.close();
  });

  it('serve the next though one of them was killed and is only just replaced', async () => {
    const compiler = await createCompiler(GRAPH, { ...options, timeoutMs: 1 });
    expect(await codeOfAsync(() => compiler.compile(slow('Killed'), null))).toBe('OPERATION_TOO_COMPLEX');
    await compiler.close();
    const next = await createCompiler(OTHER, options);
    try {
      expect((await next.compile('{ b }', null)).supergraphId).toBe(OTHER.id);
      expect(await codeOfAsync(() => next.compile('{ secret }', null))).toBe('GRAPHQL_VALIDATION_FAILED');
    } finally {
      await next.close();
    }
  });

  it('refuse a ground that cannot be read, with its fault, and hold no place after it', async () => {
    const broken = { id: 'broken', sdl: 'type Query {' };
    expect(await codeOfAsync(() => createCompiler(broken, options))).not.toBe('nothing refused');
    const next = await createCompiler(OTHER, options);
    expect((await next.compile('{ b }', null)).supergraphId).toBe(OTHER.id);
    await next.close();
  });
});
