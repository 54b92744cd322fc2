import cluster from 'node:cluster';
import { makeAssertionKey } from '../assertion-key.ts';
import { defaultAuditKeyPath, obtainAuditKey } from '../audit/audit-key-store.ts';
import { lockAuditDirectory } from '../audit/audit-lock-store.ts';
import type { Config } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import { sharesPort } from '../listener/shared-port.ts';
import { createLog } from '../telemetry/log-sink.ts';
import { stopRequested } from './stop-requested.ts';
import { configOfWorker, type SharedKeys } from './worker-part.ts';
import { WorkerPool } from './worker-pool.ts';

/** Beyond the time for running requests: the audit is written, connections are closed. */
const CLOSE_GRACE_MS = 15_000;

/**
 * Runs `workers` gateways on one port and keeps them running until told to stop.
 * Throws: WORKERS_FAILED, AUDIT_UNAVAILABLE, CONFIG_INVALID.
 */
export async function serveWorkers(config: Config, port: number | null): Promise<void> {
  const lock = await lockLogs(config);
  const keys = await sharedKeys(config);
  // A connection that passes through here would be lost, unanswered, with the worker it was on its way to.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const pool = new WorkerPool({
    ...config.supervision,
    count: config.workers,
    closeTimeoutMs: config.listen.shutdownTimeoutMs + CLOSE_GRACE_MS,
    log: createLog(config.log.level),
    fork: () => cluster.fork(),
    partOf: (number, url) => ({
      number,
      port: portOf(port ?? config.listen.port, url),
      config: JSON.stringify(configOfWorker(config, number, keys)),
    }),
    nowMs: () => performance.now(),
  });
  try {
    const stop = stopRequested();
    const url = await Promise.race([pool.start(), stop]);
    if (url === undefined) return;
    process.stdout.write(`listening on ${url}\n`);
    await Promise.race([stop, pool.gaveUp]);
  } finally {
    await pool.close();
    await lock.release();
  }
}

/** Any free port is the one that the first worker found. Where the port is one socket of all, each asks for the same. */
function portOf(asked: number, url: string | null): number {
  return asked === 0 && url !== null && sharesPort() ? Number(new URL(url).port) : asked;
}

/** The directory above the workers' own: neither another primary nor a gateway alone may write there meanwhile. */
async function lockLogs({ audit }: Config) {
  try {
    return await lockAuditDirectory(audit.directory);
  } catch (cause) {
    throw new GatewayError('AUDIT_UNAVAILABLE', { cause });
  }
}

async function sharedKeys({ assertion, audit }: Config): Promise<SharedKeys> {
  const auditKeyPath = audit.keyFile ?? defaultAuditKeyPath(audit.directory);
  // Made here, where they would be made by whichever worker comes first.
  await obtainAuditKey(auditKeyPath);
  return { auditKeyPath, assertionKey: assertion.key ?? (await makeAssertionKey()) };
}
