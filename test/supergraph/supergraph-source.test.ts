import { EventEmitter } from 'node:events';
import type { FSWatcher } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { GatewayError } from '../../src/errors.ts';
import { SUPERGRAPH_BYTES_MAX } from '../../src/supergraph/read-supergraph.ts';
import type { Supergraph } from '../../src/supergraph/supergraph.ts';
import {
  createSupergraphSource,
  type SupergraphSource,
  type SupergraphSourceDependencies,
  type SupergraphSourceOptions,
} from '../../src/supergraph/supergraph-source.ts';
import { handWritten } from './graphs.ts';

const HOUR_MS = 3_600_000;
const sdlOf = (field: string) => handWritten({ types: `type Query @join__type(graph: A) { ${field}: Int }` });
const BROKEN = sdlOf('a: Int @policy(policies: []) b');

let folder: string;
let file: string;
const sources: SupergraphSource[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-supergraph-'));
  file = join(folder, 'supergraph.graphql');
  await writeFile(file, sdlOf('one'));
});

afterEach(async () => {
  await Promise.all(sources.splice(0).map((source) => source.close()));
  await rm(folder, { recursive: true, force: true });
});

/** Waits for what a busy machine may take long to tell. */
function eventually(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 15_000, interval: 10 });
}

function sourceOf(
  options: SupergraphSourceOptions = { file, pollMs: HOUR_MS },
  dependencies?: SupergraphSourceDependencies,
): SupergraphSource {
  const source = createSupergraphSource(options, dependencies);
  sources.push(source);
  return source;
}

/** Watches a source and keeps what it tells. */
function watched(source: SupergraphSource) {
  const told: { readonly graphs: string[]; readonly faults: GatewayError[] } = { graphs: [], faults: [] };
  source.watch({
    onSupergraph: ({ apiSchema }: Supergraph) =>
      told.graphs.push(Object.keys(apiSchema.getQueryType()?.getFields() ?? {}).join()),
    onFault: (fault) => told.faults.push(fault),
  });
  return told;
}

/** Dependencies under which only polling tells of changes. */
function withoutWatching(onWatchFault = vi.fn()): SupergraphSourceDependencies {
  return {
    watchFolder: () => {
      throw new Error('no watches left');
    },
    onWatchFault,
  };
}

describe('load', () => {
  it('reads a supergraph from its file', async () => {
    const { subgraphs } = await sourceOf().load();
    expect(subgraphs.map(({ name }) => name)).toEqual(['a']);
  });

  it('composes the schemas of subgraphs', async () => {
    const schemaFile = join(folder, 'users.graphql');
    await writeFile(schemaFile, 'type Query { users: Int }');
    const options = { pollMs: HOUR_MS, subgraphs: [{ name: 'users', url: 'http://users.test', schemaFile }] };
    const { subgraphs, apiSchema } = await sourceOf(options).load();
    expect(subgraphs).toEqual([{ name: 'users', url: 'http://users.test' }]);
    expect(apiSchema.getQueryType()?.getFields()).toHaveProperty('users');
  });

  it('names every file that cannot be read', async () => {
    const subgraphs = ['x', 'y'].map((name) => ({
      name,
      url: `http://${name}.test`,
      schemaFile: join(folder, name),
    }));
    const fault = await sourceOf({ pollMs: HOUR_MS, subgraphs })
      .load()
      .catch((error: GatewayError) => error);
    expect(fault).toMatchObject({
      code: 'SUPERGRAPH_INVALID',
      details: [
        { message: `${join(folder, 'x')} cannot be read: ENOENT` },
        { message: `${join(folder, 'y')} cannot be read: ENOENT` },
      ],
    });
  });

  it.each([
    ['a folder', 'not a file', async () => mkdir(file)],
    ['not UTF-8', 'not UTF-8', async () => writeFile(file, Buffer.from([0x74, 0xff, 0xfe]))],
    [
      'larger than the bound',
      'more than',
      async () => {
        const handle = await open(file, 'w');
        await handle.truncate(SUPERGRAPH_BYTES_MAX + 1);
        await handle.close();
      },
    ],
  ])('rejects a file that is %s', async (_, message, make) => {
    await rm(file);
    await make();
    await expect(sourceOf().load()).rejects.toMatchObject({
      code: 'SUPERGRAPH_INVALID',
      details: [{ message: expect.stringContaining(message) }],
    });
  });

  it('rejects a supergraph that cannot be enforced', async () => {
    await writeFile(file, BROKEN);
    await expect(sourceOf().load()).rejects.toMatchObject({ code: 'SUPERGRAPH_INVALID' });
  });

  it('rejects subgraphs that do not compose', async () => {
    const subgraphs = [{ name: 'a', url: 'http://a.test', schemaFile: join(folder, 'a.graphql') }];
    await writeFile(join(folder, 'a.graphql'), 'type Query { a: Missing }');
    await expect(sourceOf({ pollMs: HOUR_MS, subgraphs }).load()).rejects.toMatchObject({
      code: 'COMPOSITION_FAILED',
    });
  });
});

/** Each behaviour holds whether the file system tells of changes or polling finds them. */
describe.each([
  ['watching', () => sourceOf()],
  ['polling', () => sourceOf({ file, pollMs: 20 }, withoutWatching())],
])('changes found by %s', (_, create) => {
  it('are told once they can be served', async () => {
    const source = create();
    await source.load();
    const told = watched(source);
    await writeFile(file, sdlOf('two'));
    await eventually(() => expect(told.graphs).toEqual(['two']));
    await writeFile(file, sdlOf('three'));
    await eventually(() => expect(told.graphs).toEqual(['two', 'three']));
    expect(told.faults).toEqual([]);
  });

  it('include a rename over the file, again and again', async () => {
    const source = create();
    await source.load();
    const told = watched(source);
    for (const [index, field] of ['two', 'three', 'four'].entries()) {
      const temporary = join(folder, 'next.graphql');
      await writeFile(temporary, sdlOf(field));
      await rename(temporary, file);
      await eventually(() => expect(told.graphs).toHaveLength(index + 1));
    }
    expect(told.graphs).toEqual(['two', 'three', 'four']);
    expect(told.faults).toEqual([]);
  });

  it('that cannot be enforced are told once, and the old graph stays until a good one comes', async () => {
    const source = create();
    await source.load();
    const told = watched(source);
    await writeFile(file, BROKEN);
    await eventually(() => expect(told.faults).toHaveLength(1));
    await writeFile(join(folder, 'unrelated'), 'x');
    await writeFile(file, BROKEN);
    await writeFile(file, sdlOf('two'));
    await eventually(() => expect(told.graphs).toEqual(['two']));
    expect(told.faults.map(({ code }) => code)).toEqual(['SUPERGRAPH_INVALID']);
  });

  it('include the loss of the file, told once, and its return', async () => {
    const source = create();
    await source.load();
    const told = watched(source);
    await rm(file);
    await eventually(() => expect(told.faults).toHaveLength(1));
    expect(told.faults[0]?.details).toEqual([{ message: `${file} cannot be read: ENOENT` }]);
    await writeFile(join(folder, 'unrelated'), 'x');
    await writeFile(file, sdlOf('two'));
    await eventually(() => expect(told.graphs).toEqual(['two']));
    expect(told.faults).toHaveLength(1);
  });

  it('made between loading and watching are told', async () => {
    const source = create();
    await source.load();
    await writeFile(file, sdlOf('two'));
    const told = watched(source);
    await eventually(() => expect(told.graphs).toEqual(['two']));
  });

  it('that lead back to the graph in use are not told', async () => {
    const source = create();
    await source.load();
    const told = watched(source);
    await writeFile(file, BROKEN);
    await eventually(() => expect(told.faults).toHaveLength(1));
    await writeFile(file, sdlOf('one'));
    await writeFile(file, BROKEN);
    await writeFile(file, sdlOf('two'));
    await eventually(() => expect(told.graphs).toEqual(['two']));
  });
});

describe('watch', () => {
  it('takes a file written in parts as a whole', async () => {
    const source = sourceOf({ file, pollMs: 5 });
    await source.load();
    const told = watched(source);
    const handle = await open(file, 'w');
    for (const part of sdlOf('two').match(/.{1,100}/gs) ?? []) await handle.write(part);
    await handle.close();
    await eventually(() => expect(told.graphs).toEqual(['two']));
    expect(told.faults).toEqual([]);
  });

  it('recomposes when the schema of one subgraph changes', async () => {
    const subgraphs = ['x', 'y'].map((name) => ({
      name,
      url: `http://${name}.test`,
      schemaFile: join(folder, `${name}.graphql`),
    }));
    await writeFile(join(folder, 'x.graphql'), 'type Query { x: Int }');
    await writeFile(join(folder, 'y.graphql'), 'type Query { y: Int }');
    const source = sourceOf({ pollMs: HOUR_MS, subgraphs });
    await source.load();
    const told = watched(source);
    await writeFile(join(folder, 'y.graphql'), 'type Query { z: Int }');
    await eventually(() => expect(told.graphs).toEqual(['x,z']));
    await writeFile(join(folder, 'y.graphql'), 'type Query { z: Missing }');
    await eventually(() => expect(told.faults.map(({ code }) => code)).toEqual(['COMPOSITION_FAILED']));
  });

  it('tells which folder cannot be watched, and goes on by polling', async () => {
    const onWatchFault = vi.fn();
    const source = sourceOf({ file, pollMs: 20 }, withoutWatching(onWatchFault));
    await source.load();
    watched(source);
    expect(onWatchFault).toHaveBeenCalledExactlyOnceWith(folder, expect.any(Error));
  });

  it('goes on by polling when a watch ends with an error', async () => {
    const watcher = Object.assign(new EventEmitter(), { close: vi.fn() });
    const onWatchFault = vi.fn();
    const watchFolder = () => watcher as unknown as FSWatcher;
    const source = sourceOf({ file, pollMs: 20 }, { watchFolder, onWatchFault });
    await source.load();
    const told = watched(source);
    watcher.emit('error', new Error('gone'));
    expect(watcher.close).toHaveBeenCalledOnce();
    expect(onWatchFault).toHaveBeenCalledOnce();
    await writeFile(file, sdlOf('two'));
    await eventually(() => expect(told.graphs).toEqual(['two']));
  });

  it('tells a fault where its listener throws, and goes on', async () => {
    const source = sourceOf();
    await source.load();
    const faults: string[] = [];
    let served = 0;
    source.watch({
      onSupergraph: () => {
        served += 1;
        if (served === 1) throw new Error('no room');
      },
      onFault: ({ code }) => faults.push(code),
    });
    await writeFile(file, sdlOf('two'));
    await eventually(() => expect(faults).toEqual(['SUPERGRAPH_INVALID']));
    await writeFile(file, sdlOf('three'));
    await eventually(() => expect(served).toBe(2));
  });

  it('refuses a second listener, and any after it was closed', async () => {
    const source = sourceOf();
    await source.load();
    watched(source);
    expect(() => watched(source)).toThrow();
    await source.close();
    expect(() => watched(source)).toThrow();
  });
});

describe('a file that is emptied before it is written', () => {
  it('is not told as a fault', async () => {
    let reads = 0;
    const readOne = (path: string) => {
      reads += 1;
      return readFile(path);
    };
    const source = sourceOf({ file, pollMs: 5 }, { readOne });
    await source.load();
    const told = watched(source);
    const handle = await open(file, 'w');
    // A change that is seen meanwhile: the file is read, found empty, and read again.
    await eventually(() => expect(reads).toBeGreaterThan(2));
    await handle.writeFile(sdlOf('two'));
    await handle.close();
    await eventually(() => expect(told.graphs).toEqual(['two']));
    expect(told.faults).toEqual([]);
  });

  it('is told where it stays empty', async () => {
    const source = sourceOf();
    await source.load();
    const told = watched(source);
    await writeFile(file, '');
    await eventually(() => expect(told.faults.map(({ code }) => code)).toEqual(['SUPERGRAPH_INVALID']));
  });
});

describe('close', () => {
  it('ends watching: no timer, no watcher and no message is left', async () => {
    const watcher = Object.assign(new EventEmitter(), { close: vi.fn() });
    let changed = () => {};
    const source = sourceOf(
      { file, pollMs: 5 },
      {
        watchFolder: (_, listener) => {
          changed = listener;
          return watcher as unknown as FSWatcher;
        },
      },
    );
    await source.load();
    const told = watched(source);
    await writeFile(file, sdlOf('two'));
    changed();
    await source.close();
    changed();
    expect(watcher.close).toHaveBeenCalledOnce();
    expect(told).toEqual({ graphs: [], faults: [] });
    await source.close();
  });
});
