import type { GatewayError } from '../errors.ts';
import type { Graph } from '../graph.ts';
import type { WarmUpReport } from '../operation/warm-up.ts';
import type { Generations } from '../supergraph/generations.ts';
import type { Supergraph } from '../supergraph/supergraph.ts';
import type { SupergraphSource } from '../supergraph/supergraph-source.ts';
import { describeError, type Log } from '../telemetry/log-sink.ts';

interface Following {
  readonly source: SupergraphSource;
  readonly graphs: Generations<Graph>;
  readonly log: Log;
  start(supergraph: Supergraph): Promise<Graph>;
  /** Compiles on the next graph what the current one has in use. */
  warm(next: Graph, current: Graph | null): Promise<WarmUpReport>;
  /** Told of a supergraph that cannot be enforced or composed. */
  onRefused(fault: GatewayError): void;
}

/** Lets each new supergraph take over once it has started and has compiled what is in use; a bad one changes nothing. */
export function followSupergraph({ source, graphs, log, start, warm, onRefused }: Following): void {
  source.watch({
    onSupergraph: async (supergraph) => {
      try {
        let ahead = {};
        const outcome = await graphs.succeed(async () => {
          const next = await start(supergraph);
          ahead = await warm(next, graphs.current);
          return next;
        });
        log.info(`supergraph ${outcome}`, { supergraph: supergraph.id, ...ahead });
      } catch (fault) {
        log.error('new supergraph does not start; the old one stays', describeError(fault));
      }
    },
    onFault: onRefused,
  });
}
