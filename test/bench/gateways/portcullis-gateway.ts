import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { settleIn } from '../../../src/commands/settle-in.ts';
import { readConfig } from '../../../src/config/config-source.ts';
import { startGateway } from '../../../src/gateway.ts';
import { announce } from './announce.ts';

/** What the benchmark asks of a running Portcullis: to record where its time goes. */
export type ProfileRequest =
  | { readonly kind: 'start-profile' }
  | { readonly kind: 'stop-profile'; readonly file: string };

const SAMPLING_INTERVAL_US = 200;

const [configFile = ''] = process.argv.slice(2);
const session = new Session();

async function profile(request: ProfileRequest): Promise<void> {
  if (request.kind === 'start-profile') {
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US });
    await session.post('Profiler.start');
  } else {
    const recorded = await session.post('Profiler.stop');
    writeFileSync(request.file, JSON.stringify(recorded.profile));
    session.disconnect();
  }
  process.send?.({ done: request.kind });
}

const gateway = await startGateway(await readConfig(configFile, process.env));
process.on('message', (request: ProfileRequest) => void profile(request));
settleIn();
announce({ url: gateway.url });
