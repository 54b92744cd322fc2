import cluster from 'node:cluster';
import { reviveConfig } from '../config/revive-config.ts';
import { settleIn } from './settle-in.ts';
import type { ToPrimary, ToWorker, WorkerPart } from './worker-part.ts';

/** What a process reports that was left alone while it still had work. */
const ABANDONED = 130;

/**
 * What a worker of `portcullis serve` does: it runs a gateway as the primary says, until it is told to stop.
 * Throws: as `serve`.
 */
export async function serveAsWorker(): Promise<void> {
  const { worker } = cluster;
  if (worker === undefined) throw new Error('this process is no worker');
  // Else Node ends it the moment its primary is gone, in the middle of requests.
  worker.exitedAfterDisconnect = true;
  const stop = stopTold();
  try {
    const { config, port, number } = await partTold();
    const { startGateway } = await import('../gateway.ts');
    const gateway = await startGateway(reviveConfig(config), { worker: number, port });
    tellPrimary({ kind: 'ready', url: gateway.url });
    settleIn();
    await stop;
    await gateway.close();
  } finally {
    process.removeAllListeners('disconnect');
    if (process.connected) process.disconnect?.();
  }
}

function partTold(): Promise<WorkerPart> {
  return new Promise((resolve) => {
    process.on('message', (message: ToWorker) => {
      if (message.kind === 'start') resolve(message.part);
    });
    tellPrimary({ kind: 'hello' });
  });
}

/**
 * Resolves at the primary's word or its end, or at SIGTERM. A terminal sends SIGINT to all its processes: the primary
 * hears it too and says what is to be done.
 */
function stopTold(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const ask = (): void => {
      asked = true;
      resolve();
    };
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', ask);
    process.on('disconnect', () => (asked ? process.exit(ABANDONED) : ask()));
    process.on('message', (message: ToWorker) => {
      if (message.kind === 'stop') ask();
    });
  });
}

/** Where the primary is gone, `disconnect` says so. */
function tellPrimary(message: ToPrimary): void {
  process.send?.(message, undefined, undefined, () => undefined);
}
