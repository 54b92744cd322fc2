import type { FetchRecord } from '../../audit/event.ts';
import type { SubgraphAnswer } from '../subgraph-answer.ts';
import { findingsIn } from './findings-in.ts';
import { modelsIn } from './models-in.ts';

/** What is known of a fetch besides its answer. */
interface Fetched extends Pick<FetchRecord, 'subgraph' | 'errors' | 'planned'> {
  readonly tookUs: number;
  readonly trace: FetchRecord['trace'] | undefined;
  /** Whether its subgraph is believed what it says of the AI models that it asked. */
  readonly isReporter: boolean;
}

/** What the audit is told of a fetch. */
export function fetchRecord(
  answer: SubgraphAnswer,
  { subgraph, tookUs, errors, planned, trace, isReporter }: Fetched,
): FetchRecord {
  const { status } = answer;
  const record = { subgraph, durationUs: Math.round(tookUs), status, errors, planned };
  const traced = trace === undefined ? record : { ...record, trace };
  return isReporter ? { ...traced, ...modelsIn(answer), ...findingsIn(answer) } : traced;
}
