import { writeFileSync } from 'node:fs';
import { expect, it, onTestFinished, vi } from 'vitest';
import { composeSupergraph } from '../../src/supergraph/compose.ts';
import { freePort } from '../free-port.ts';
import { ask, folder, startTestGateway } from './gateway-kit.ts';
import { startTinySubgraph } from './tiny-subgraph.ts';

it('the first request after a new supergraph finds its operation compiled', async () => {
  const resolvers = { Query: { open: () => 'open', fresh: () => 'fresh' } };
  const subgraph = await startTinySubgraph('part', 'type Query { open: String fresh: String }', resolvers);
  const sdlOf = (sdl: string): string => composeSupergraph([{ ...subgraph, sdl }]).sdl;
  const where = folder();
  const file = where.write('supergraph.graphql', sdlOf('type Query { open: String }'));
  const port = await freePort();
  const { url, close } = await startTestGateway([], {
    supergraph: { file, watch: true, pollMs: 100 },
    telemetry: { metrics: { enabled: true, port } },
  });
  onTestFinished(async () => {
    await close();
    await subgraph.close();
    where.remove();
  });
  const compiled = async (): Promise<string> => {
    const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return /^portcullis_\w+\{cache="operations"\} (\d+)$/mu.exec(page)?.[1] ?? page;
  };
  expect((await ask(url, '{ open }')).body.data).toEqual({ open: 'open' });
  expect(await compiled()).toBe('1');

  writeFileSync(file, sdlOf('type Query { open: String fresh: String }'));
  await vi.waitFor(async () => expect((await ask(url, '{ fresh }')).body.data).toEqual({ fresh: 'fresh' }), {
    timeout: 20_000,
    interval: 50,
  });
  // What was asked before, and what the new graph was recognized by.
  expect(await compiled()).toBe('2');
  expect((await ask(url, '{ open }')).body.data).toEqual({ open: 'open' });
  expect(await compiled()).toBe('2');
});
