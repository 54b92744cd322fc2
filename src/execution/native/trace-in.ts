import type { FetchRecord } from '../../audit/event.ts';
import { type OnResolver, readInlineTrace } from '../inline-trace.ts';
import type { SubgraphAnswer } from '../subgraph-answer.ts';
import { isObject } from './entities.ts';

/** Takes the times of a subgraph's resolvers out of its answer; whatever is wrong with them, the answer counts. */
export function traceIn(answer: SubgraphAnswer, take: OnResolver): FetchRecord['trace'] & string {
  const extensions = answer.kind === 'answer' ? answer.body['extensions'] : undefined;
  const trace = isObject(extensions) ? extensions['ftv1'] : undefined;
  if (trace === undefined) return 'absent';
  return readInlineTrace(trace, take) ? 'read' : 'invalid';
}
