import { basename, dirname, join } from 'node:path';
import { WORKER_DIRECTORY } from './all-logs-store.ts';
import { defaultAuditKeyPath, obtainAuditKey } from './audit-key-store.ts';
import { type AuditLogOptions, AuditLogStore } from './audit-log-store.ts';
import { SegmentRetention } from './audit-retention-store.ts';
import { createAuditVerifier } from './audit-signature.ts';
import { findLogs } from './shipping/log-source.ts';

/** Which of several workers a process is; null for a gateway alone. */
export type WorkerPlace = { readonly worker: number; readonly workers: number } | null;

/** Which of several workers a process is, as its configuration says how many there are. */
export function placeOf({ workers }: { readonly workers: number }, worker: number | undefined): WorkerPlace {
  return worker === undefined ? null : { worker, workers };
}

/**
 * The logs near that of a process which nobody writes to any more: under that of a gateway alone, and for the first of several workers
 * those beside its own that no worker has now.
 * Throws: what the system says of files.
 */
export async function leftLogs(directory: string, place: WorkerPlace): Promise<readonly string[]> {
  if (place === null) return (await findLogs(directory)).filter((log) => log !== directory);
  if (place.worker !== 1) return [];
  const above = dirname(directory);
  const written = new Set(
    Array.from({ length: place.workers }, (_, index) => join(above, `worker-${index + 1}`)),
  );
  return (await findLogs(above)).filter((log) => !written.has(log));
}

/**
 * Removes what is old of the logs of workers that are gone, recorded by a new segment as in any other; their last one stays. What lies in
 * other directories was put there by people.
 * Throws: AUDIT_UNAVAILABLE, and what the system says of files.
 */
export async function retainLeftLogs(options: AuditLogOptions, place: WorkerPlace): Promise<void> {
  const keyPath = options.keyPath ?? defaultAuditKeyPath(options.directory);
  const faults: unknown[] = [];
  for (const directory of await leftLogs(options.directory, place)) {
    if (!WORKER_DIRECTORY.test(basename(directory))) continue;
    try {
      await retainLog({ ...options, directory }, keyPath);
    } catch (fault) {
      // What ails one log must not hold up the others.
      faults.push(fault);
    }
  }
  if (faults.length > 0) throw faults[0];
}

async function retainLog(options: AuditLogOptions, keyPath: string): Promise<void> {
  const { directory, clock } = options;
  const nowMs = clock();
  const verifier = createAuditVerifier(await obtainAuditKey(keyPath));
  if ((await new SegmentRetention(directory, verifier, options).plan(nowMs)) === null) return;
  const store = await AuditLogStore.open({ ...options, keyPath });
  try {
    const date = new Date(nowMs).toISOString().slice(0, 'YYYY-MM-DD'.length);
    const file = await store.openFile(join(directory, `audit-${date}.ndjson`));
    await file.close();
  } finally {
    await store.close();
  }
}
