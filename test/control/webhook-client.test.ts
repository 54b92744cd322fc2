import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SYSTEM } from '../../src/control/actor.ts';
import { OutboxStore } from '../../src/control/outbox-store.ts';
import { backoffMs, type Webhook, WebhookSender } from '../../src/control/webhook-client.ts';
import { signatureOf } from '../../src/webhook-signature.ts';
import { seed } from './database-kit.ts';
import { useTestControl } from './use-test-control.ts';

/** After every clock of these tests. */
const FOREVER_MS = 9e12;
const SECRET = 's'.repeat(32);
/** A bound against hanging, not a mark. */
const PATIENT_MS = 60_000;
/** After this a silent receiver has not answered; long enough that it was asked on a busy machine. */
const SILENCE_MS = 2_000;

interface Call {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const NO_CALL: Call = { path: '', headers: {}, body: '' };

const test = useTestControl();
let outbox: OutboxStore;
let server: Server;
let origin: string;
let calls: Call[];
let failures: unknown[];
/** How a path answers; 200 where it is not set. */
let statuses: Map<string, number>;

beforeAll(async () => {
  outbox = new OutboxStore(test.database);
  server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const path = incoming.url ?? '';
    calls.push({ path, headers: incoming.headers, body: Buffer.concat(chunks).toString() });
    const status = statuses.get(path) ?? 200;
    if (status === 0) return;
    response
      .writeHead(status, status === 302 ? { location: `${origin}/elsewhere` } : {})
      .end('secret answer');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
});
beforeEach(async () => {
  calls = [];
  failures = [];
  statuses = new Map();
  await outbox.forget(FOREVER_MS);
});
afterEach(() => expect(JSON.stringify(failures)).not.toContain('secret'));

function sender(...webhooks: (Partial<Webhook> & { path?: string; timeoutMs?: number })[]): WebhookSender {
  return new WebhookSender({
    outbox,
    webhooks: webhooks.map(({ path = '/hook', timeoutMs: _, ...part }) => ({
      ...{ url: `${origin}${path}`, secret: SECRET, topics: [] },
      ...part,
    })),
    timeoutMs: webhooks[0]?.timeoutMs ?? PATIENT_MS,
    now: () => test.clock.now,
    onFailure: (failure) => failures.push(failure),
  });
}

const suspend = async () => {
  const { tenant } = await seed(test);
  await outbox.forget(FOREVER_MS);
  await test.control.tenants.suspend(SYSTEM, tenant.id, { reason: 'A secret reason.' });
  return tenant.id;
};
const topics = () => calls.map(({ body }) => JSON.parse(body).topic);

describe('a notification', () => {
  it('is posted once, signed, with what was done to what', async () => {
    const id = await suspend();
    const sending = sender({});
    await sending.send();
    await sending.send();
    expect(topics()).toEqual(['tenant.suspend']);
    const [{ headers, body } = NO_CALL] = calls;
    expect(JSON.parse(body)).toMatchObject({ tenantId: id, payload: { id, actor: 'system' } });
    expect(headers['x-portcullis-delivery']).toBe(JSON.parse(body).id);
    const [, seconds = '', told = ''] =
      /^t=(\d+),v1=([0-9a-f]{64})$/u.exec(String(headers['x-portcullis-signature'])) ?? [];
    const expected = signatureOf(SECRET, Number(seconds), body);
    expect(timingSafeEqual(Buffer.from(told), Buffer.from(expected))).toBe(true);
    expect(signatureOf('t'.repeat(32), Number(seconds), body)).not.toBe(told);
  });

  it.each([
    ['an error', 500],
    ['a redirect, which is not followed', 302],
    ['silence', 0],
  ])('that is answered by %s is sent again, later and later, with the same id', async (_, status) => {
    await suspend();
    statuses.set('/hook', status);
    const failing = sender({ timeoutMs: status === 0 ? SILENCE_MS : PATIENT_MS });
    await failing.send();
    await failing.send();
    expect(calls).toHaveLength(1);
    expect(failures).toHaveLength(1);
    const sending = sender({});
    test.clock.now += backoffMs(0) - 1;
    await sending.send();
    expect(calls).toHaveLength(1);
    statuses.clear();
    test.clock.now += 2;
    await sending.send();
    expect(calls.map(({ path }) => path)).toEqual(['/hook', '/hook']);
    expect(new Set(calls.map(({ body }) => JSON.parse(body).id)).size).toBe(1);
    test.clock.now += 10_000_000;
    await sending.send();
    expect(calls).toHaveLength(2);
  });

  it('goes to all that want it, and to no other', async () => {
    await suspend();
    await sender(
      { path: '/all' },
      { path: '/same', topics: ['tenant.suspend'] },
      { path: '/kind', topics: ['tenant.*'] },
      { path: '/other', topics: ['tenant.resume', 'subscription.*'] },
    ).send();
    expect(calls.map(({ path }) => path).toSorted()).toEqual(['/all', '/kind', '/same']);
  });

  it('comes once to who took it, however often another does not', async () => {
    await suspend();
    statuses.set('/broken', 500);
    const sending = sender({ path: '/broken' }, { path: '/well' });
    for (let attempt = 0; attempt < 4; attempt += 1) {
      await sending.send();
      test.clock.now += backoffMs(attempt) + 1;
    }
    const paths = () => calls.map(({ path }) => path).toSorted();
    expect(paths()).toEqual(['/broken', '/broken', '/broken', '/broken', '/well']);
    statuses.clear();
    await sending.send();
    test.clock.now += 10_000_000;
    await sending.send();
    expect(paths()).toEqual(['/broken', '/broken', '/broken', '/broken', '/broken', '/well']);
  });

  it('waits for no other webhook that is silent', async () => {
    await suspend();
    statuses.set('/silent', 0);
    const stopping = sender({ path: '/silent' }, { path: '/well' });
    const sending = stopping.send();
    await vi.waitFor(() => expect(calls.map(({ path }) => path)).toContain('/well'), {
      timeout: PATIENT_MS / 2,
    });
    await stopping.close();
    await sending;
  });

  it('is sent by one of several gateways', async () => {
    for (let each = 0; each < 5; each += 1) {
      const { tenant } = await seed(test);
      await test.control.tenants.suspend(SYSTEM, tenant.id, { reason: 'x' });
    }
    await Promise.all([sender({}).send(), sender({}).send(), sender({}).send()]);
    const ids = calls.map(({ body }) => JSON.parse(body).id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(topics().filter((topic) => topic === 'tenant.suspend')).toHaveLength(5);
  });

  it('that a sender took and never sent is taken by another in time', async () => {
    await suspend();
    const taken = await outbox.claim(10, test.clock.now, test.clock.now + 5000);
    expect(taken).toHaveLength(1);
    await sender({}).send();
    expect(calls).toEqual([]);
    test.clock.now += 5001;
    await sender({}).send();
    expect(calls).toHaveLength(1);
  });

  it('is broken off by a shutdown, which waits for no webhook, and is sent by the next one', async () => {
    await suspend();
    statuses.set('/hook', 0);
    const stopping = sender({ timeoutMs: 60_000 });
    const sending = stopping.send();
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    await stopping.close();
    await sending;
    expect(calls).toHaveLength(1);
    statuses.clear();
    test.clock.now += 10_000_000;
    await sender({}).send();
    expect(topics()).toContain('tenant.suspend');
  });

  it('is forgotten in the end, and told of where it never arrived', async () => {
    await suspend();
    expect(await outbox.forget(test.clock.now)).toBe(0);
    expect(await outbox.forget(test.clock.now + 1)).toBe(1);
    await suspend();
    await sender({}).send();
    expect(await outbox.forget(test.clock.now + 1)).toBe(0);
  });

  it('waits at most an hour between two attempts', () => {
    expect([0, 1, 2, 11, 12, 1000].map(backoffMs)).toEqual([
      1000, 2000, 4000, 2_048_000, 3_600_000, 3_600_000,
    ]);
  });
});
