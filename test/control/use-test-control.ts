import { afterAll, beforeAll, inject } from 'vitest';
import { startTestControl, type TestControl } from './database-kit.ts';

/** One control plane for all tests of a file, on PGlite or on the PostgreSQL of this run. */
export function useTestControl(): TestControl {
  let held: TestControl | null = null;
  beforeAll(async () => {
    held = await startTestControl(inject('postgres'));
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
