import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { SYSTEM } from '../../src/control/actor.ts';
import { openDatabase } from '../../src/control/database-pool.ts';
import { NotificationClient } from '../../src/control/notification-client.ts';
import { CHANGES_CHANNEL } from '../../src/control/unit-of-work.ts';
import { freshDatabase, startTestControl, type TestControl } from './database-kit.ts';

const SERVER = inject('postgres');
/** As long as a busy machine may take. */
const IN_TIME = { timeout: 30_000, interval: 10 };
const LISTENERS = `FROM pg_stat_activity WHERE application_name = 'portcullis-listen' AND datname = current_database()`;

describe.skipIf(SERVER == null)('a connection that listens', () => {
  let test: TestControl;
  let root: pg.Client;

  beforeAll(async () => {
    const url = await freshDatabase(String(SERVER));
    test = await startTestControl(url);
    root = new pg.Client({ connectionString: url });
    await root.connect();
  }, 60_000);

  afterAll(async () => {
    await root?.end();
    await test?.close();
  });

  it('is told of each change, and made anew when it breaks', async () => {
    const [words, faults]: [boolean[], unknown[]] = [[], []];
    const listening = await NotificationClient.open({
      ...{ url: test.url, channel: CHANGES_CHANNEL, timeoutMs: 60_000 },
      onWord: (isAnew) => void words.push(isAnew),
      onFault: (fault) => void faults.push(fault),
    });
    const create = (slug: string) => test.control.tenants.create(SYSTEM, { slug, name: 'A tenant' });
    try {
      // Of what came before it listened nobody knows.
      expect(words).toHaveLength(1);
      await create('one');
      await vi.waitFor(() => expect(words).toHaveLength(2), IN_TIME);
      await root.query(`SELECT pg_terminate_backend(pid) ${LISTENERS}`);
      await vi.waitFor(() => expect(words).toHaveLength(3), IN_TIME);
      await create('two');
      await vi.waitFor(() => expect(words).toHaveLength(4), IN_TIME);
      expect(faults).toHaveLength(1);
      // Only after a break may it be another database.
      expect(words).toEqual([false, false, true, false]);
    } finally {
      await listening.close();
    }
    await vi.waitFor(async () => {
      expect((await root.query(`SELECT count(*)::int AS n ${LISTENERS}`)).rows).toEqual([{ n: 0 }]);
    }, IN_TIME);
  });

  it('is not had where there is no database', async () => {
    const opening = NotificationClient.open({
      ...{ url: 'postgres://127.0.0.1:1/none', channel: CHANGES_CHANNEL, timeoutMs: 60_000 },
      ...{ onWord: () => undefined, onFault: () => undefined },
    });
    await expect(opening).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('is beside one on which what is restricted is read while all others are busy', async () => {
    const database = await openDatabase({
      ...{ url: test.url, timeoutMs: 60_000, connectionsMax: 2 },
      onFault: (fault) => {
        throw fault;
      },
    });
    const { snapshots } = test.controlOn(database);
    const over = Promise.withResolvers<void>();
    try {
      const busy = [1, 2].map(() => {
        const begun = Promise.withResolvers<void>();
        const ended = database.transact(null, async () => {
          begun.resolve();
          await over.promise;
        });
        return { begun: begun.promise, ended };
      });
      await Promise.all(busy.map(({ begun }) => begun));
      expect(database.connections).toMatchObject({ busy: 2, idle: 0 });
      expect((await snapshots.changesSince(null)).restricted).toMatchObject({ switches: [] });
      over.resolve();
      await Promise.all(busy.map(({ ended }) => ended));
    } finally {
      over.resolve();
      await database.close();
    }
  });
});
