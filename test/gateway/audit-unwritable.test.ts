import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { portcullis } from '../commands/command-line.ts';
import {
  ask,
  auditEvents,
  folder,
  send,
  startTestGateway,
  type TestGateway,
  writeConfig,
} from './gateway-kit.ts';
import { startItems, type TinySubgraph } from './tiny-subgraph.ts';

let items: TinySubgraph;
beforeAll(async () => {
  items = await startItems();
});
afterAll(() => items?.close());

let gateway: TestGateway | undefined;
afterEach(async () => {
  // What could not be written is lost with the folder, which is what closing then says.
  await gateway?.close().catch(() => gateway?.where.remove());
  gateway = undefined;
});

async function gatewayWithoutDisk(whenUnwritable: string): Promise<TestGateway> {
  const started = await startTestGateway([items], { audit: { whenUnwritable } });
  gateway = started;
  const directory = join(started.where.path, 'audit');
  await ask(started.url, '{ open }');
  await vi.waitFor(() => expect(auditEvents(started.where)).toHaveLength(1));
  renameSync(directory, join(started.where.path, 'moved'));
  // Another directory in its place: what is written there would be no continuation.
  mkdirSync(directory);
  await vi.waitFor(async () => {
    await ask(started.url, '{ open }');
    expect((await send(new URL('/health/ready', started.url).href)).status).toBe(503);
  });
  return started;
}

describe('an audit that cannot be written', () => {
  it('stops everything by default, before any subgraph is asked', async () => {
    const { url } = await gatewayWithoutDisk('refuse');
    const before = items.received.length;
    for (const query of ['{ open }', 'mutation { touch }']) {
      const answer = await ask(url, query);
      expect({ status: answer.status, codes: answer.codes }).toEqual({
        status: 503,
        codes: ['AUDIT_UNAVAILABLE'],
      });
      expect(answer.body).not.toHaveProperty('data');
    }
    expect(items.received).toHaveLength(before);
  });

  it('stops only mutations where config permits queries', async () => {
    const { url } = await gatewayWithoutDisk('permitQueries');
    expect((await ask(url, '{ open }')).body).toEqual({ data: { open: 'open' } });
    const before = items.received.length;
    const answer = await ask(url, 'mutation { touch }');
    expect({ status: answer.status, codes: answer.codes }).toEqual({
      status: 503,
      codes: ['AUDIT_UNAVAILABLE'],
    });
    expect(items.received).toHaveLength(before);
  });

  it('is taken up again when the disk is back, with what waited', async () => {
    const { url, where } = await gatewayWithoutDisk('refuse');
    const refused = await ask(url, 'mutation { touch }');
    rmSync(join(where.path, 'audit'), { recursive: true });
    renameSync(join(where.path, 'moved'), join(where.path, 'audit'));
    await vi.waitFor(async () => expect((await send(new URL('/health/ready', url).href)).status).toBe(200), {
      timeout: 8000,
      interval: 50,
    });
    expect((await ask(url, 'mutation { touch }')).body).toEqual({ data: { touch: 'touched' } });
    const ids = auditEvents(where).map(({ requestId }) => requestId);
    expect(ids).toContain(refused.requestId);
  });

  it('keeps the gateway from starting', async () => {
    const where = folder();
    const file = where.write('occupied', '');
    try {
      const config = writeConfig(where, [items], { audit: { directory: join(file, 'audit') } });
      const { code, stderr } = await portcullis(['serve', '--config', config]);
      expect(code).toBe(1);
      expect(stderr).toContain('AUDIT_UNAVAILABLE');
    } finally {
      where.remove();
    }
  });
});
