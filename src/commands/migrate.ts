import { readConfig } from '../config/config-source.ts';
import { createLog } from '../telemetry/log-sink.ts';

/**
 * `portcullis migrate`: brings the database of the control plane up to this version.
 * Throws: CONFIG_INVALID, CONTROL_PLANE_UNAVAILABLE.
 */
export async function migrateDatabase(path: string, environment: NodeJS.ProcessEnv): Promise<void> {
  const config = await readConfig(path, environment);
  const { migrateControl, openControlDatabase } = await import('../start/start-control.ts');
  const database = await openControlDatabase(config, createLog(config.log.level));
  try {
    const applied = await migrateControl(database);
    const lines = applied.map((name) => `applied ${name}`);
    process.stdout.write(`${lines.length === 0 ? 'the database is up to date' : lines.join('\n')}\n`);
  } finally {
    await database.close();
  }
}
