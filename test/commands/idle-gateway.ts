import { existsSync } from 'node:fs';
import { GatewayError } from '../../src/errors.ts';

/** A gateway with a life but no work; `PORTCULLIS_IDLE` says how it starts and ends. */
export async function startGateway(
  config: { listen: { port: number } },
  options: { port?: number; worker?: number },
) {
  const behaviour = process.env['PORTCULLIS_IDLE'];
  if (behaviour === 'refuses') {
    throw new GatewayError('SUPERGRAPH_INVALID', {
      details: [{ message: 'Query.a: scopes must not be empty' }],
    });
  }
  if (behaviour === 'breaks') {
    throw new TypeError('hunter2 is not a function');
  }
  if (behaviour === 'dies') setTimeout(() => process.exit(7), 10);
  // The first ones start; those that follow them find the file and do not.
  const flag = process.env['PORTCULLIS_FLAG'];
  if (flag !== undefined && existsSync(flag)) process.exit(9);
  const open = setInterval(() => undefined, 1000);
  return {
    url: `http://127.0.0.1:${options.port ?? config.listen.port}/graphql`,
    close: async () => {
      process.stdout.write('closing\n');
      if (behaviour === 'hangs') {
        await new Promise(() => undefined);
      }
      clearInterval(open);
    },
  };
}
