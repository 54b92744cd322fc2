import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RequestTrace } from '../../src/telemetry/request-trace.ts';
import { SpanQueueSink } from '../../src/telemetry/span-queue-sink.ts';

let sent: string[];
let faults: number;
let isDown: boolean;
let queue: SpanQueueSink;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  faults = 0;
  isDown = false;
  queue = new SpanQueueSink({
    client: {
      send: async (_signal, body) => {
        if (isDown) throw new Error('down');
        sent.push(body);
        return 0;
      },
    },
    encode: (traces) => traces.map(({ requestId }) => requestId).join(),
    ...{ spansMax: 1000, flushMs: 100, onFault: () => (faults += 1) },
  });
});
afterEach(() => vi.useRealTimers());

function traceOf(requestId: string, spans: number): RequestTrace {
  const context = { traceId: 't', spanId: 's', isSampled: true };
  const trace = new RequestTrace({
    ...{
      context,
      parentSpanId: null,
      tracestate: null,
      executeSpanId: 'e',
      requestId,
      startedMs: 0,
      startedUs: 0,
    },
  });
  const span = { name: 'x', kind: 1, spanId: 's', parentSpanId: null, startedUs: 0, endedUs: 0 } as const;
  for (let at = 0; at < spans; at += 1)
    trace.spans.push({ ...span, attributes: {}, isFault: false, links: [] });
  return trace;
}

describe('traces that are sent', () => {
  it('go together, in calls of a bounded size', async () => {
    for (const id of ['a', 'b', 'c']) queue.push(traceOf(id, 200));
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    expect(sent).toEqual(['a,b', 'c']);
    expect(queue.waiting).toBe(0);
  });

  it('that no longer fit are left out and counted, and what waits is bounded', async () => {
    isDown = true;
    for (let at = 0; at < 20; at += 1) queue.push(traceOf(`t${at}`, 100));
    expect([queue.waiting, queue.dropped]).toEqual([1000, 1000]);
    await vi.advanceTimersByTimeAsync(100);
    expect([queue.waiting, faults]).toEqual([1000, 1]);
  });

  it('wait for a receiver that is down, longer each time, and are told of once', async () => {
    isDown = true;
    queue.push(traceOf('a', 1));
    await vi.advanceTimersByTimeAsync(5000);
    expect(faults).toBe(1);
    isDown = false;
    await vi.advanceTimersByTimeAsync(1600);
    expect(sent).toEqual(['a']);
  });

  it('are sent once more at the end, and then no more', async () => {
    queue.push(traceOf('a', 1));
    await queue.close();
    expect(sent).toEqual(['a']);
    queue.push(traceOf('b', 3));
    expect(queue.dropped).toBe(3);
    isDown = true;
  });
});
