import type { ExecutionInput } from './executor.ts';
import type { SubgraphTransport } from './native/subgraph-transport.ts';
import type { SubgraphAnswer } from './subgraph-answer.ts';

/** Under which the admin subgraph tells what a mutation changed, among the extensions of its answer. */
const CHANGES = 'portcullisChanges';

/** Hands on what an answer tells of changes. Only for a subgraph that is the gateway's own: any other could say what it likes. */
export function takeChanges(answer: SubgraphAnswer, changes: ExecutionInput['changes']): void {
  const extensions = answer.kind === 'answer' ? answer.body['extensions'] : undefined;
  if (typeof extensions === 'object' && extensions !== null)
    changes?.take((extensions as Readonly<Record<string, unknown>>)[CHANGES]);
}

/** A way to subgraphs of which one tells what its mutations changed; calls to all others are as they were. */
export function tellingChanges(transport: SubgraphTransport, subgraph: string): SubgraphTransport {
  return {
    ...transport,
    send(fetch, variables, caller) {
      const sent = transport.send(fetch, variables, caller);
      if (!fetch.mutation || fetch.subgraph !== subgraph) return sent;
      return sent.then((answer) => {
        takeChanges(answer, caller.changes);
        return answer;
      });
    },
  };
}
