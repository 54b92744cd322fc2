import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Several processes share a database only where it is a server. */
const ON_POSTGRES_ONLY = ['test/gateway/two-gateways.test.ts', 'test/control/ai-crash.test.ts'];

/** Files that wait for processes come first, so that nothing waits for them at the end. */
class PostgresFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isWaiting = ({ moduleId }: TestSpecification) =>
      ON_POSTGRES_ONLY.some((path) => moduleId.endsWith(path));
    const rank = (file: TestSpecification) =>
      isWaiting(file) ? 0 : file.project.name === 'postgres' ? 1 : 2;
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  test: {
    env: { APOLLO_TELEMETRY_DISABLED: 'true' },
    // Bounds against hanging, not marks: a test must not fail because its machine does much else.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // As the gateway is started: most of what is made is garbage before a larger young generation is full.
    execArgv: ['--max-semi-space-size=64'],
    // One more than there may be cores: many files wait for processes they start.
    maxWorkers: 3,
    // Files share a process, and with it what it has compiled: most of the time went into compiling the same code again.
    isolate: false,
    // Node loads what is tested as it does in the product: it is faster than what Vite makes of it.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    sequence: { sequencer: PostgresFirst },
    setupFiles: ['test/setup.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'all',
          include: ['test/**/*.test.ts'],
          exclude: ['test/bench/**', ...ON_POSTGRES_ONLY],
          globalSetup: ['test/control/pglite-template.ts'],
        },
      },
      {
        // What holds on the embedded database must hold on a PostgreSQL server.
        extends: true,
        test: {
          name: 'postgres',
          include: [
            'test/control/*-store.test.ts',
            'test/control/*-client.test.ts',
            'test/control/tenant-isolation.test.ts',
            ...ON_POSTGRES_ONLY,
          ],
          globalSetup: ['test/control/postgres-server.ts'],
        },
      },
    ],
  },
});
