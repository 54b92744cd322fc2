import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, messageFrom } from './gateways/child.ts';
import { REFERENCE, type RunningContender } from './gateways/contenders.ts';
import type { ProfileRequest } from './gateways/portcullis-gateway.ts';
import { WORKLOADS } from './graph/workloads.ts';
import { load, orderFor } from './measure.ts';
import type { BenchOptions } from './options.ts';
import { type CpuProfile, type Share, summarizeProfile } from './report/cpu-profile.ts';
import { columns } from './report/table.ts';
import type { Performance } from './stage.ts';

const PACKAGES_SHOWN = 14;
const FUNCTIONS_SHOWN = 25;
const PROFILE_TIMEOUT_MS = 60_000;
const ROOT = join(import.meta.dirname, '../..');

/** Loads Portcullis with its profiler on, leaves the profiles in the directory, and tells the top of each. */
export async function profileCases(
  { running }: Performance,
  generator: Child,
  options: BenchOptions,
  directory: string,
): Promise<string> {
  const contender = running.get(REFERENCE);
  if (contender === undefined) throw new Error(`${REFERENCE} always takes part`);
  const named = { ...contender, name: REFERENCE };
  const sections: string[] = [];
  for (const name of options.workloads) {
    for (const kind of options.loads) {
      const file = join(directory, `${name}-${kind}.cpuprofile`);
      const times = { connections: options.connections, warmUpMs: 0, durationMs: options.seconds * 1000 };
      const order = orderFor(named, { workload: WORKLOADS[name], kind }, times);
      await load(generator, { ...order, durationMs: options.warmUpSeconds * 1000 });
      await ask(contender, { kind: 'start-profile' });
      const { requests } = await load(generator, order);
      await ask(contender, { kind: 'stop-profile', file });
      sections.push(render(`${name}, ${kind} load: ${requests} requests (${file})`, file));
    }
  }
  return sections.join('\n\n');
}

async function ask({ child }: RunningContender, request: ProfileRequest): Promise<void> {
  const done = messageFrom(child, PROFILE_TIMEOUT_MS);
  child.process.send(request);
  await done;
}

function render(title: string, file: string): string {
  const summary = summarizeProfile(JSON.parse(readFileSync(file, 'utf8')) as CpuProfile, ROOT);
  const table = (shares: readonly Share[], shown: number): string =>
    columns(shares.slice(0, shown).map(({ name, share }) => [name, `${(share * 100).toFixed(1)} %`]));
  return [
    `${title}; main thread busy ${(summary.busy * 100).toFixed(0)} %`,
    'by package:',
    table(summary.packages, PACKAGES_SHOWN),
    'by function:',
    table(summary.functions, FUNCTIONS_SHOWN),
  ].join('\n');
}
