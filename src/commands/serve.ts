import { readConfig } from '../config/config-source.ts';

interface ServeOptions {
  readonly config: string;
  /** Overrides `listen.port`. */
  readonly port?: number;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** What shells report for a process ended by its second SIGINT. */
const INTERRUPTED = 130;
/** A handle left open must not keep a stopped gateway's process alive. */
const EXIT_GRACE_MS = 1000;

/** Resolves at the first signal to stop; from then on a second one ends the process at once. */
function stopRequested(): Promise<void> {
  return new Promise((done) => {
    let asked = false;
    const onSignal = () => {
      if (asked) {
        process.exit(INTERRUPTED);
      }
      asked = true;
      done();
    };
    for (const signal of SIGNALS) {
      process.on(signal, onSignal);
    }
  });
}

/**
 * `portcullis serve`: runs the gateway until it is told to stop, then lets running requests finish.
 * Throws: CONFIG_INVALID, SUPERGRAPH_INVALID, COMPOSITION_FAILED, or what the system says of the port.
 */
export async function serve(options: ServeOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const config = await readConfig(options.config, environment);
  const { startGateway } = await import('../gateway.ts');
  const gateway = await startGateway(config, options.port === undefined ? {} : { port: options.port });
  const stop = stopRequested();
  process.stdout.write(`listening on ${gateway.url}\n`);
  await stop;
  await gateway.close();
  setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();
}
