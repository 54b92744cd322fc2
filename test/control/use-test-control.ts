import { afterAll, beforeAll, inject } from 'vitest';
import { freshDatabase, startTestControl, type TestControl } from './database-kit.ts';
import { embeddedDatabase } from './embedded-database.ts';

/** One control plane for all tests of a file, on PGlite or on the PostgreSQL of this run. */
export function useTestControl(): TestControl {
  let held: TestControl | null = null;
  beforeAll(async () => {
    const server = inject('postgres');
    held = await startTestControl(server == null ? embeddedDatabase() : await freshDatabase(server));
  }, 60_000);
  afterAll(() => held?.close());
  const open = (): TestControl => {
    if (held === null) throw new Error('The control plane is there once the tests run.');
    return held;
  };
  return {
    get control() {
      return open().control;
    },
    get database() {
      return open().database;
    },
    get clock() {
      return open().clock;
    },
    get versions() {
      return open().versions;
    },
    get url() {
      return open().url;
    },
    controlOn: (database) => open().controlOn(database),
    close: () => open().close(),
  };
}
