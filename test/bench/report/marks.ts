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

/** Says of each mark whose peer took part whether it is reached; by the median over the rounds. */
export function renderMarks(rows: readonly SummaryRow[]): string {
  return MARKS.flatMap(({ workload, peer, asked, goal }) => {
    const row = rows.find(
      (each) => each.workload === workload && each.load === 'distinct' && each.contender === peer,
    );
    if (row === undefined) return [];
    const verdict = row.cpuRatio >= goal ? 'passed' : row.cpuRatio >= asked ? 'reached' : 'not reached';
    return [
      `mark: ${workload}, ${peer} at ${times(asked)}, better ${times(goal)}: ${times(row.cpuRatio)}, ${verdict}`,
    ];
  }).join('\n');
}

function times(ratio: number): string {
  return `× ${ratio.toFixed(2)}`;
}
