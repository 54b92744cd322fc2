import { LEASED, PIPELINED, REFERENCE } from '../gateways/contenders.ts';
import type { WorkloadName } from '../graph/workloads.ts';
import type { Sample } from '../measure.ts';
import { cpuRatiosByRound, median } from './summary.ts';

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
const UNAUDITED_PEER = 'portcullis-unaudited';

const MARKS: readonly Mark[] = [
  { workload: 'small', peer: 'apollo', asked: 10, goal: 14 },
  { workload: 'big', peer: 'apollo', asked: 12, goal: 19 },
  { workload: 'small', peer: 'hive-rust', asked: 6, goal: 6 },
  { workload: 'big', peer: 'hive-rust', asked: 4, goal: 4 },
  { workload: 'small', peer: 'nginx', asked: 1 / 2.5, goal: 1 / 2 },
  { workload: 'small', peer: UNAUDITED_PEER, asked: UNAUDITED, goal: UNAUDITED },
  { workload: 'entity', peer: UNAUDITED_PEER, asked: UNAUDITED, goal: UNAUDITED },
  { workload: 'big', peer: UNAUDITED_PEER, asked: UNAUDITED, goal: UNAUDITED },
];

/** What metering may cost, buckets shared through Redis and leased included. */
const METERED_MOST = 1.15;

/**
 * Says of each mark whose peer took part whether it is reached, by the median over the rounds. The marks of other
 * gateways are held against the defaults and, where it took part, against us with pipelining.
 */
export function renderMarks(samples: readonly Sample[]): string {
  const ratioOf = (workload: WorkloadName, peer: string, base = REFERENCE): number | undefined => {
    const of = (name: string): Sample[] =>
      samples.filter(
        (sample) => sample.workload === workload && sample.load === 'distinct' && sample.contender === name,
      );
    const [own, bases] = [of(peer), of(base)];
    return own.length === 0 || bases.length === 0 ? undefined : median(cpuRatiosByRound(own, bases));
  };
  const marks = MARKS.flatMap((mark) => {
    const ratio = ratioOf(mark.workload, mark.peer);
    if (ratio === undefined) return [];
    const pipelined = mark.peer === UNAUDITED_PEER ? undefined : ratioOf(mark.workload, mark.peer, PIPELINED);
    const verdicts = [
      verdictOf(ratio, mark),
      ...(pipelined === undefined ? [] : [`with pipelining ${verdictOf(pipelined, mark)}`]),
    ];
    const { workload, peer, asked, goal } = mark;
    return [`mark: ${workload}, ${peer} at ${times(asked)}, better ${times(goal)}: ${verdicts.join('; ')}`];
  });
  const leased = ratioOf('small', LEASED);
  if (leased !== undefined) {
    const verdict = leased <= METERED_MOST ? 'reached' : 'not reached';
    marks.push(`mark: small, ${LEASED} at most ${times(METERED_MOST)}: ${times(leased)}, ${verdict}`);
  }
  return marks.join('\n');
}

function verdictOf(ratio: number, { asked, goal }: Mark): string {
  return `${times(ratio)}, ${ratio >= goal ? 'passed' : ratio >= asked ? 'reached' : 'not reached'}`;
}

function times(ratio: number): string {
  return `× ${ratio.toFixed(2)}`;
}
