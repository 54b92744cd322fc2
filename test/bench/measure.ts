import { join } from 'node:path';
import { type Child, forkChild, messageFrom } from './gateways/child.ts';
import type { RunningContender } from './gateways/contenders.ts';
import { type LoadKind, WORKLOADS, type Workload, type WorkloadName } from './graph/workloads.ts';
import type { LoadOrder, LoadReply, LoadResult } from './load/load-order.ts';
import type { BenchOptions } from './options.ts';
import { type Performance, urlFor } from './stage.ts';

/** Time a load may take beyond what it was told to. */
const GRACE_MS = 30_000;
/** Load before each measured window, so that connections and caches are as they stay. */
const SETTLE_MS = 300;

/** One measurement: a gateway, an operation, a kind of load. */
export interface Sample extends LoadResult {
  readonly contender: string;
  readonly workload: WorkloadName;
  readonly load: LoadKind;
  readonly round: number;
}

/** Starts the load generator in a process of its own. */
export async function startLoadGenerator(logFile: string): Promise<Child> {
  const { child } = await forkChild({ file: join(import.meta.dirname, 'load/load-worker.ts'), logFile });
  return child;
}

/** Loads one gateway and tells what was seen. */
export async function load(generator: Child, order: LoadOrder): Promise<LoadResult> {
  generator.process.send(order);
  const reply = await messageFrom<LoadReply>(generator, order.warmUpMs + order.durationMs + GRACE_MS);
  if ('failed' in reply) throw new Error(`the load on ${order.url} failed: ${reply.failed}`);
  if (reply.faults > 0)
    throw new Error(`${reply.faults} of ${reply.requests} answers of ${order.url} are wrong`);
  return reply;
}

/** The load of one measurement. */
export function orderFor(
  contender: RunningContender & { readonly name: string },
  { workload, kind }: { readonly workload: Workload; readonly kind: LoadKind },
  times: Pick<LoadOrder, 'connections' | 'warmUpMs' | 'durationMs'>,
): LoadOrder {
  return {
    url: urlFor(contender.name, contender.url, workload),
    headers: contender.headers,
    query: workload.query,
    distinct: kind === 'distinct',
    pid: contender.child.pid,
    ...times,
  };
}

/**
 * Warms everybody up, then measures in rounds. Within a round the gateways take turns on each operation, beginning with
 * another one each time, so that whatever disturbs the machine disturbs all of them alike. Rounds are counted on over all starts.
 */
export async function measure(
  { running }: Performance,
  generator: Child,
  { options, start }: { readonly options: BenchOptions; readonly start: number },
  progress: (line: string) => void,
): Promise<Sample[]> {
  const contenders = [...running].map(([name, each]) => ({ ...each, name }));
  const cases = options.workloads.flatMap((name) =>
    options.loads.map((kind) => ({ workload: WORKLOADS[name], kind })),
  );
  const { connections } = options;
  for (const contender of contenders) {
    progress(`warming up ${contender.name}`);
    for (const each of cases) {
      const durationMs = (options.warmUpSeconds * 1000) / options.loads.length;
      await load(generator, orderFor(contender, each, { connections, warmUpMs: 0, durationMs }));
    }
  }
  const samples: Sample[] = [];
  const rounds = options.starts * options.rounds;
  for (let round = start * options.rounds; round < (start + 1) * options.rounds; round += 1) {
    for (const each of cases) {
      progress(`round ${round + 1} of ${rounds}: ${each.workload.name}, ${each.kind}`);
      for (let turn = 0; turn < contenders.length; turn += 1) {
        const contender = contenders[(round + turn) % contenders.length];
        if (contender === undefined) continue;
        const times = { connections, warmUpMs: SETTLE_MS, durationMs: options.seconds * 1000 };
        const result = await load(generator, orderFor(contender, each, times));
        const { name: workload } = each.workload;
        samples.push({ ...result, contender: contender.name, workload, load: each.kind, round });
      }
    }
  }
  return samples;
}
