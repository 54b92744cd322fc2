import { join } from 'node:path';
import type { Config } from '../config/config.ts';

/** What a worker is told to do. */
export interface WorkerPart {
  /** From 1 on; a worker that is started anew keeps it. */
  readonly number: number;
  /** Its configuration as JSON: what was read once holds for all workers, whatever becomes of the file. */
  readonly config: string;
  /** In place of `listen.port`. */
  readonly port: number;
}

/** What all workers need to have in common and the configuration may not say. */
export interface SharedKeys {
  readonly assertionKey: Readonly<Record<string, string>>;
  readonly auditKeyPath: string;
}

/** What the primary tells a worker. */
export type ToWorker = { readonly kind: 'start'; readonly part: WorkerPart } | { readonly kind: 'stop' };

/** What a worker tells the primary: that it can be told what to do, and that it serves. */
export type ToPrimary = { readonly kind: 'hello' } | { readonly kind: 'ready'; readonly url: string };

/** The configuration of one worker: a log of its own, since a chain has one writer, and a metrics port of its own. */
export function configOfWorker(config: Config, number: number, keys: SharedKeys): Config {
  const { audit, assertion, telemetry } = config;
  const { metrics } = telemetry;
  const port = metrics.port === 0 ? 0 : metrics.port + number - 1;
  return {
    ...config,
    assertion: { ...assertion, key: keys.assertionKey },
    audit: { ...audit, directory: join(audit.directory, `worker-${number}`), keyFile: keys.auditKeyPath },
    telemetry: { ...telemetry, metrics: { ...metrics, port } },
  };
}
