import type { RunningSubgraph, SubgraphPlacement } from './subgraph-server.ts';

/**
 * Runs one subgraph as a process until it is told to stop. Reads PORT, HOST (default 127.0.0.1) and
 * PORTCULLIS_JWKS_URL (default: a gateway on this machine).
 */
export async function runSubgraph(
  start: (placement: SubgraphPlacement) => Promise<RunningSubgraph>,
  defaults: { name: string; port: number },
): Promise<void> {
  const { PORT, HOST, PORTCULLIS_JWKS_URL } = process.env;
  const running = await start({
    host: HOST ?? '127.0.0.1',
    port: PORT === undefined ? defaults.port : readPort(PORT),
    trust: { jwks: PORTCULLIS_JWKS_URL ?? 'http://127.0.0.1:4000/.well-known/jwks.json' },
  });
  process.stdout.write(`${defaults.name} listens at ${running.url}\n`);
  const stop = (): void => {
    running.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

function readPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new TypeError('PORT must be a port number.');
  return port;
}
