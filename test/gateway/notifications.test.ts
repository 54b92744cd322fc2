import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { SYSTEM } from '../../src/control/actor.ts';
import { embeddedDatabase } from '../control/embedded-database.ts';
import { startTestGateway } from './gateway-kit.ts';
import { startTinySubgraph } from './tiny-subgraph.ts';

it('a gateway tells its webhooks of what was done, soon after it was done', async () => {
  const told: string[] = [];
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    told.push(JSON.parse(Buffer.concat(chunks).toString()).topic);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const shop = await startTinySubgraph('shop', 'type Query { orders: String }', { Query: {} });
  onTestFinished(() => shop.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const gateway = await startTestGateway([shop], {
    subgraphs: { shop: { identity: 'none' } },
    state: { database: embeddedDatabase() },
    approvals: { enforce: true },
    notifications: { webhooks: [{ url, secret: 's'.repeat(32), topics: ['tenant.*'] }] },
  });
  onTestFinished(() => gateway.close());
  await gateway.control?.tenants.create(SYSTEM, { slug: 'acme', name: 'Acme' });
  await vi.waitFor(() => expect(told).toEqual(['tenant.create']), { timeout: 2000 });
});

it.each([
  ['http://hooks.example.com/x', 'must be https, except on this machine'],
  ['https://me:hunter2@hooks.example.com/x', 'must not carry a user name or password'],
])('a webhook at %s is refused', async (url, fault) => {
  const shop = await startTinySubgraph('shop', 'type Query { orders: String }', { Query: {} });
  onTestFinished(() => shop.close());
  const started = startTestGateway([shop], {
    notifications: { webhooks: [{ url, secret: 's'.repeat(32) }] },
  });
  await expect(started).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  const { details } = (await started.catch((error: unknown) => error)) as { details: { message: string }[] };
  expect(details.map(({ message }) => message).join()).toContain(fault);
  expect(details.map(({ message }) => message).join()).not.toContain('hunter2');
});
