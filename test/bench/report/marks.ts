import { LEASED } from '../gateways/contenders.ts';
import type { WorkloadName } from '../graph/workloads.ts';
import type { SummaryRow } from './summary.ts';

/** What is asked of Portcullis with everything on, under distinct load. */
interface Mark {
  readonly workload: WorkloadName;
  readonly peer: string;
  /** CPU per request of the peer, relative to ours, that is asked for. */
  readonly asked: number;
  /** The one to pass. */
  readonly goal: number;
}

/** The audit may cost a tenth of what the gateway costs without it. */
const UNAUDITED = 1 / 1.1;

const MARKS: readonly Mark[] = [
  { workload: 'small', peer: 'apollo', asked: 10, goal: 14 },
  { workload: 'big', peer: 'apollo', asked: 12, goal: 19 },
  { workload: 'small', peer: 'hive-rust', asked: 6, goal: 6 },
  { workload: 'big', peer: 'hive-rust', asked: 4, goal: 4 },
  { workload: 'small', peer: 'nginx', asked: 1 / 2.5, goal: 1 / 2 },
  { workload: 'small', peer: 'portcullis-unaudited', asked: UNAUDITED, goal: UNAUDITED },
  { workload: 'entity', peer: 'portcullis-unaudited', asked: UNAUDITED, goal: UNAUDITED },
  { workload: 'big', peer: 'portcullis-unaudited', asked: UNAUDITED, goal: UNAUDITED },
];

/** What metering may cost, buckets shared through Redis and leased included. */
const METERED_MOST = 1.15;

/** Says of each mark whose peer took part whether it is reached; by the median over the rounds. */
export function renderMarks(rows: readonly SummaryRow[]): string {
  const ratioOf = (workload: WorkloadName, peer: string): number | undefined =>
    rows.find((row) => row.workload === workload && row.load === 'distinct' && row.contender === peer)
      ?.cpuRatio;
  const marks = MARKS.flatMap(({ workload, peer, asked, goal }) => {
    const ratio = ratioOf(workload, peer);
    if (ratio === undefined) return [];
    const verdict = ratio >= goal ? 'passed' : ratio >= asked ? 'reached' : 'not reached';
    return [
      `mark: ${workload}, ${peer} at ${times(asked)}, better ${times(goal)}: ${times(ratio)}, ${verdict}`,
    ];
  });
  const leased = ratioOf('small', LEASED);
  if (leased !== undefined) {
    const verdict = leased <= METERED_MOST ? 'reached' : 'not reached';
    marks.push(`mark: small, ${LEASED} at most ${times(METERED_MOST)}: ${times(leased)}, ${verdict}`);
  }
  return marks.join('\n');
}

function times(ratio: number): string {
  return `× ${ratio.toFixed(2)}`;
}
