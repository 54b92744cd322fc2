import type { Graph } from '../graph.ts';
import type { RateLimiter } from '../metering/rate-limiter.ts';
import { type PipelineParts, STAGES } from '../pipeline.ts';
import type { Stage, StageObserver } from '../telemetry/stage-observer.ts';

/** The parts of the request path as they are, with their times told; only a gateway that tells them has these around them. */
export function observeParts(parts: PipelineParts, observer: StageObserver): PipelineParts {
  const { identifier, limiter, audit, graphs, clock } = parts;
  const timed =
    <Input extends unknown[], Output>(stage: Stage, call: (...input: Input) => Output) =>
    (...input: Input): Output => {
      const startedUs = clock.nowUs();
      const told = (fault?: unknown) => observer.took({ stage, startedUs, endedUs: clock.nowUs(), fault });
      let output: Output;
      try {
        output = call(...input);
      } catch (fault) {
        told(fault);
        throw fault;
      }
      if (output instanceof Promise) output.then(() => told(), told);
      else told();
      return output;
    };
  const observed = new WeakMap<Graph, Graph>();
  const observedGraph = (graph: Graph): Graph => {
    const known = observed.get(graph);
    if (known !== undefined) return known;
    const { compiler, executor } = graph;
    const made: Graph = {
      ...graph,
      compiler: {
        compile: timed('compile', (text, name) => compiler.compile(text, name)),
        check: (text, name, held) => compiler.check(text, name, held),
        introspect: (document, variables, held) => compiler.introspect(document, variables, held),
        hottest: (max) => compiler.hottest(max),
        get counts() {
          return compiler.counts;
        },
        close: () => compiler.close(),
      },
      executor: {
        execute: timed('execute', (input) => executor.execute(input)),
        subscribe: (input) => executor.subscribe(input),
        close: () => executor.close(),
      },
    };
    observed.set(graph, made);
    return made;
  };
  const { authorize, respond } = parts.stages ?? STAGES;
  return {
    ...parts,
    stages: { authorize: timed('authorize', authorize), respond: timed('respond', respond) },
    identifier: { identify: timed('identify', (request) => identifier.identify(request)) },
    limiter:
      limiter === null
        ? null
        : withReserve(
            limiter,
            timed('limit', (call) => limiter.reserve(call)),
          ),
    graphs: {
      lease: () => {
        const lease = graphs.lease();
        return lease === null ? null : { ...lease, value: observedGraph(lease.value) };
      },
    },
    audit: {
      record: (event) => {
        audit.record(event);
        observer.observe(event);
      },
      intend: timed('intend', (intent) => audit.intend(intent)),
      healthy: () => audit.healthy(),
      close: () => audit.close(),
    },
  };
}

/** A limiter whose taking of points is told. */
function withReserve(limiter: RateLimiter, reserve: RateLimiter['reserve']): RateLimiter {
  return {
    behaviour: limiter.behaviour,
    reserve,
    reserveEvent: (call) => limiter.reserveEvent(call),
    requireFewFailures: (source) => limiter.requireFewFailures(source),
    noteFailure: (source) => limiter.noteFailure(source),
    throttle: (target, factor, untilMs) => limiter.throttle(target, factor, untilMs),
    close: () => limiter.close(),
  };
}
