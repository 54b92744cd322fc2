import { REFERENCE } from '../gateways/contenders.ts';
import type { LoadKind, WorkloadName } from '../graph/workloads.ts';
import type { Sample } from '../measure.ts';

/** The figures of one gateway in one case: medians over the rounds. */
export interface Figures {
  readonly cpuUsPerRequest: number;
  readonly cpuShare: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly residentBytes: number;
}

/** One row of the report. */
export interface SummaryRow extends Figures {
  readonly workload: WorkloadName;
  readonly load: LoadKind;
  readonly contender: string;
  readonly rounds: number;
  /** Median over the rounds of the CPU time per request relative to the reference in the same round. */
  readonly cpuRatio: number;
  /** Least and greatest of those ratios: how far the machine's noise reaches. */
  readonly cpuRatioRange: readonly [number, number];
  /** The other figures relative to the reference, by their medians. */
  readonly ratios: Omit<Figures, 'cpuUsPerRequest' | 'cpuShare'>;
}

/** Median of the figures, of two the lower middle's mean with the upper. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/** CPU time per request of some samples of one case, relative to those of others in the same round. */
export function cpuRatiosByRound(samples: readonly Sample[], bases: readonly Sample[]): number[] {
  const baseOf = new Map(bases.map(({ round, cpuUsPerRequest }) => [round, cpuUsPerRequest]));
  return samples.map(({ round, cpuUsPerRequest }) => cpuUsPerRequest / (baseOf.get(round) ?? Number.NaN));
}

/** Sums samples up: per case and gateway medians, and ratios to the reference of the same round. */
export function summarize(samples: readonly Sample[]): SummaryRow[] {
  const cases = Map.groupBy(samples, ({ workload, load }) => `${workload} ${load}`);
  return [...cases.values()].flatMap((inCase) => {
    const byContender = Map.groupBy(inCase, ({ contender }) => contender);
    const references = byContender.get(REFERENCE) ?? [];
    const reference = figuresOf(references);
    return [...byContender].map(([contender, own]) => {
      const [first] = own;
      if (first === undefined) throw new Error('a group is never empty');
      const figures = figuresOf(own);
      const cpuRatios = cpuRatiosByRound(own, references);
      return {
        workload: first.workload,
        load: first.load,
        contender,
        rounds: own.length,
        ...figures,
        cpuRatio: median(cpuRatios),
        cpuRatioRange: [Math.min(...cpuRatios), Math.max(...cpuRatios)] as const,
        ratios: {
          requestsPerSecond: figures.requestsPerSecond / reference.requestsPerSecond,
          p50Ms: figures.p50Ms / reference.p50Ms,
          p99Ms: figures.p99Ms / reference.p99Ms,
          residentBytes: figures.residentBytes / reference.residentBytes,
        },
      };
    });
  });
}

function figuresOf(samples: readonly Sample[]): Figures {
  const of = (key: keyof Figures): number => median(samples.map((sample) => sample[key]));
  return {
    cpuUsPerRequest: of('cpuUsPerRequest'),
    cpuShare: of('cpuShare'),
    requestsPerSecond: of('requestsPerSecond'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    residentBytes: of('residentBytes'),
  };
}
