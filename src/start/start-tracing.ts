import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { packageVersion } from '../commands/package-root.ts';
import type { Config } from '../config/config.ts';
import type { FetchTracing } from '../execution/fetch-tracing.ts';
import { type GatewayAnswer, type Handle, isStream } from '../listener/request.ts';
import type { PipelineParts } from '../pipeline.ts';
import { describeError, type Log, type LogFields } from '../telemetry/log-sink.ts';
import { OtlpClient } from '../telemetry/otlp-client.ts';
import { spansExport } from '../telemetry/otlp-spans.ts';
import { resourceOf } from '../telemetry/otlp-value.ts';
import type { RequestTrace } from '../telemetry/request-trace.ts';
import { SpanQueueSink } from '../telemetry/span-queue-sink.ts';
import { Tracer } from '../telemetry/tracer.ts';
import { observeParts } from './observe-parts.ts';

const RANDOM_MAX = 2 ** 32;
/** How long traces gather before they are sent together. */
const FLUSH_MS = 2000;
const US_PER_MS = 1000;
/** Reason: 255 characters of a header are plenty for all stages. */
const TIMED_STAGES_MAX = 16;

/** What follows requests through the gateway. */
export interface Tracing {
  /** Null where calls to subgraphs are not traced. */
  readonly tracing: FetchTracing | null;
  /** Spans that wait for the receiver, and those that were left out. */
  spans(): { readonly waiting: number; readonly dropped: number };
  observed(parts: PipelineParts): PipelineParts;
  traced(handle: Handle): Handle;
}

/** Where neither traces nor times are asked for, all is as it was. */
const NO_SPANS = { waiting: 0, dropped: 0 };
const OFF: Tracing = {
  ...{ tracing: null, spans: () => NO_SPANS },
  observed: (parts) => parts,
  traced: (handle) => handle,
};

/** Starts to trace what the configuration asks for; off, nothing of it is on the path of a request. */
export function startTracing(
  { telemetry }: Config,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  opened: AsyncDisposableStack,
): Tracing {
  const { traces, serverTiming } = telemetry;
  if (!traces.enabled && !serverTiming) return OFF;
  const queue = traces.enabled ? openQueue(telemetry, log) : null;
  opened.defer(async () => queue?.close());
  const tracer = new Tracer({
    clock,
    traces:
      queue === null
        ? null
        : {
            ratio: traces.samplePercent / 100,
            followsParent: traces.sampler === 'parent',
            push: (trace) => queue.push(trace),
          },
    random: () => randomInt(RANDOM_MAX) / RANDOM_MAX,
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
  });
  return {
    tracing: traces.enabled ? tracer : null,
    spans: () => (queue === null ? NO_SPANS : { waiting: queue.waiting, dropped: queue.dropped }),
    observed: (parts) => ({ ...observeParts(parts, tracer), log: tracedLog(parts.log, tracer) }),
    traced: (handle) => (request) =>
      tracer.run(request, async (trace) => {
        const answer = await handle(request);
        return serverTiming ? timedAnswer(answer, trace) : answer;
      }),
  };
}

function openQueue({ otlp, traces }: Config['telemetry'], log: Log): SpanQueueSink {
  const version = packageVersion();
  const resource = resourceOf({ name: 'portcullis', version, instanceId: randomUUID() });
  return new SpanQueueSink({
    client: new OtlpClient({ ...otlp, url: otlp.url ?? '' }),
    encode: (waiting) => spansExport(waiting, { resource, version }),
    spansMax: traces.queueSpansMax,
    flushMs: FLUSH_MS,
    onFault: (fault, dropped) => log.warn('traces cannot be sent', { dropped, ...describeError(fault) }),
  });
}

/** Lines about a request name its trace. */
function tracedLog(log: Log, tracer: Pick<Tracer, 'traceId'>): Log {
  const named = (fields: LogFields = {}): LogFields => {
    const { traceId } = tracer;
    return traceId === null ? fields : { ...fields, traceId };
  };
  return {
    debug: (event, fields) => log.debug(event, named(fields)),
    info: (event, fields) => log.info(event, named(fields)),
    warn: (event, fields) => log.warn(event, named(fields)),
    error: (event, fields) => log.error(event, named(fields)),
  };
}

/** Source: W3C Server Timing. Streams have begun to be answered before there is anything to tell. */
function timedAnswer(answer: GatewayAnswer, { stages }: RequestTrace): GatewayAnswer {
  if (isStream(answer)) return answer;
  const entries = stages
    .slice(0, TIMED_STAGES_MAX)
    .map(({ name, tookUs }) => `${name};dur=${(tookUs / US_PER_MS).toFixed(3)}`);
  return { ...answer, headers: { ...answer.headers, 'server-timing': entries.join(', ') } };
}
