import cluster from 'node:cluster';
import type { Config } from '../config/config.ts';
import { readConfig } from '../config/config-source.ts';
import { settleIn } from './settle-in.ts';
import { stopRequested } from './stop-requested.ts';

interface ServeOptions {
  readonly config: string;
  /** Overrides `listen.port`. */
  readonly port?: number;
}

/** A handle left open must not keep a stopped gateway's process alive. */
const EXIT_GRACE_MS = 1000;

/**
 * `portcullis serve`: runs the gateway until it is told to stop, then lets running requests finish. With several workers this
 * process keeps them running, and each of them is this command again.
 * Throws: CONFIG_INVALID, SUPERGRAPH_INVALID, COMPOSITION_FAILED, WORKERS_FAILED, or what the system says of the port.
 */
export async function serve(options: ServeOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  if (cluster.isWorker) {
    const { serveAsWorker } = await import('./worker-process.ts');
    await serveAsWorker();
  } else {
    const config = await readConfig(options.config, environment);
    if (config.workers === 1) await serveAlone(config, options.port);
    else {
      const { serveWorkers } = await import('./serve-workers.ts');
      await serveWorkers(config, options.port ?? null);
    }
  }
  setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();
}

async function serveAlone(config: Config, port: number | undefined): Promise<void> {
  const { startGateway } = await import('../gateway.ts');
  const gateway = await startGateway(config, port === undefined ? {} : { port });
  const stop = stopRequested();
  process.stdout.write(`listening on ${gateway.url}\n`);
  settleIn();
  await stop;
  await gateway.close();
}
