import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks per second that the kernel counts in, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** What a process and its descendants have used. */
export interface ProcessUsage {
  /** User and system time of all threads. Units: microseconds. */
  readonly cpuUs: number;
  /** Resident memory. Units: bytes. */
  readonly residentBytes: number;
}

/**
 * Reads the kernel's accounting of a process and its descendants.
 * Source: proc(5), /proc/pid/stat fields 14 and 15, /proc/pid/status VmRSS.
 */
export function usageOf(pid: number): ProcessUsage {
  let ticks = 0;
  let residentBytes = 0;
  for (const each of familyOf(pid)) {
    const stat = readFileSync(`/proc/${each}/stat`, 'utf8');
    // The second field may hold blanks; those after its closing bracket do not.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
    const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${each}/status`, 'utf8'));
    residentBytes += Number(resident?.[1] ?? 0) * 1024;
  }
  return { cpuUs: (ticks / TICKS_PER_SECOND) * 1_000_000, residentBytes };
}

function familyOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(familyOf)];
}
