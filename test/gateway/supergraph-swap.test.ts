import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { composeSupergraph } from '../../src/supergraph/compose.ts';
import { type Answer, ask, type Folder, folder, send, writeConfig } from './gateway-kit.ts';
import { type Served, serve } from './serve-kit.ts';
import { startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

const CLIENTS = 3;
/** What all but one client wait between two requests: more load shows no more, and takes the machine from the swap. */
const PAUSE_MS = 10;
const OLD = 'type Query { open: String }';
const NEW = 'type Query { open: String fresh: String }';

const resolvers = { Query: { open: () => 'open', fresh: () => 'fresh' } };

describe('a supergraph file that changes under load', () => {
  let first: TinySubgraph;
  let second: TinySubgraph;
  let where: Folder;
  let served: Served;
  let url: string;
  let file: string;
  beforeAll(async () => {
    first = await startTinySubgraph('part', NEW, resolvers);
    second = await startTinySubgraph('part', NEW, resolvers);
    where = folder();
    file = where.write('supergraph.graphql', sdlOf(first, OLD));
    const config = writeConfig(where, [], {
      supergraph: { file, watch: true, pollMs: 100 },
      log: { level: 'info' },
      // Each swap compiles them again.
      compile: { warmUp: { operations: 10 } },
    });
    served = serve(config);
    url = await served.url;
  });
  afterAll(async () => {
    await served?.stop();
    await Promise.all([first?.close(), second?.close()]);
    where?.remove();
  });

  const sdlOf = (subgraph: TinySubgraph, sdl: string): string =>
    composeSupergraph([{ ...subgraph, sdl }]).sdl;

  /** Keeps clients asking while `change` happens; answers that were not a success. */
  async function underLoad(change: () => Promise<void>): Promise<{ failed: unknown[]; count: number }> {
    let running = true;
    let count = 0;
    const failed: unknown[] = [];
    const clients = Array.from({ length: CLIENTS }, async (_, client) => {
      for (let turn = 0; running; turn += 1) {
        // Every other text is new, so that it must be compiled by whichever generation it meets.
        const query = turn % 2 === 0 ? '{ open }' : `query Q${client}_${turn} { open }`;
        const answer: Answer | Error = await ask(url, query).catch((fault: Error) => fault);
        count += 1;
        if (answer instanceof Error || answer.body.data?.['open'] !== 'open') failed.push(answer);
        if (client > 0) await setTimeout(PAUSE_MS);
      }
    });
    try {
      await change();
    } finally {
      running = false;
      await Promise.all(clients);
    }
    return { failed, count };
  }

  const freshIs = (there: boolean) =>
    vi.waitFor(
      async () => {
        const answer = await ask(url, '{ fresh }');
        expect(answer.body.data?.['fresh'] ?? null).toBe(there ? 'fresh' : null);
      },
      { timeout: 8000, interval: 20 },
    );
  const logged = (text: string) =>
    vi.waitFor(() => expect(served.output().stderr).toContain(text), { timeout: 5000, interval: 20 });

  it('takes over without a failed request, and closes what the old graph used', async () => {
    expect((await ask(url, '{ fresh }')).codes).toEqual(['GRAPHQL_VALIDATION_FAILED']);
    const { failed, count } = await underLoad(async () => {
      await vi.waitFor(() => expect(first.received.length).toBeGreaterThan(CLIENTS));
      writeFileSync(file, sdlOf(second, NEW));
      await freshIs(true);
    });
    expect(failed).toEqual([]);
    expect(count).toBeGreaterThan(CLIENTS);
    await vi.waitFor(async () => expect(await first.connections()).toBe(0));
    const before = first.received.length;
    await ask(url, '{ open fresh }');
    expect(first.received.length).toBe(before);
    // What clients ask all the time was compiled before the new graph took over.
    expect(served.output().stderr).toMatch(
      /"compiled":[1-9]\d*,"skipped":\d+.*"event":"supergraph replaced"/u,
    );
  });

  it('keeps the old graph for a file that is broken, says so, and takes the next good one', async () => {
    const { failed } = await underLoad(async () => {
      writeFileSync(file, 'type Query {');
      await logged('new supergraph is refused; the old one stays');
      await freshIs(true);
      writeFileSync(
        file,
        sdlOf(second, NEW).replace(
          '@link(',
          '@link(url: "https://x.example/seal/v1.0", for: SECURITY) @link(',
        ),
      );
      await logged('https://x.example/seal/v1.0');
      await freshIs(true);
      writeFileSync(file, sdlOf(first, OLD));
      await freshIs(false);
    });
    expect(failed).toEqual([]);
    expect((await send(new URL('/health/ready', url).href)).status).toBe(200);
  });

  it('sees a file that is renamed over the old one, also again', async () => {
    const { failed } = await underLoad(async () => {
      for (const [subgraph, sdl, there] of [
        [second, NEW, true],
        [first, OLD, false],
        [second, NEW, true],
      ] as const) {
        renameSync(where.write('next.graphql', sdlOf(subgraph, sdl)), file);
        await freshIs(there);
      }
    });
    expect(failed).toEqual([]);
  });

  it('keeps the old graph while the file is gone', async () => {
    const { failed } = await underLoad(async () => {
      const text = sdlOf(first, OLD);
      rmSync(file);
      await logged('cannot be read: ENOENT');
      await freshIs(true);
      writeFileSync(file, text);
      await freshIs(false);
    });
    expect(failed).toEqual([]);
  });
});
