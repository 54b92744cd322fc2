import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MetricPushSink } from '../../src/telemetry/metric-push-sink.ts';
import { Counter, Gauge, Histogram, type Metric, Readings } from '../../src/telemetry/metrics.ts';
import { OtlpClient } from '../../src/telemetry/otlp-client.ts';
import { metricsExport } from '../../src/telemetry/otlp-metrics.ts';
import { resourceOf } from '../../src/telemetry/otlp-value.ts';
import { type OtlpReceiver, startOtlpReceiver } from './otlp-receiver.ts';

const HOUR_MS = 3_600_000;
const SPAN = { startTimeUnixNano: '1000000000', timeUnixNano: '2500000000' };

let receiver: OtlpReceiver;
let faults: number;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
});
afterAll(() => receiver.close());
beforeEach(() => {
  faults = 0;
  receiver.answer = null;
});

const encode = (metrics: readonly Metric[]) => () =>
  metricsExport(metrics, {
    resource: resourceOf({ name: 'portcullis', version: '1', instanceId: 'i' }),
    ...{ version: '1', startedMs: 1000, nowMs: 2500 },
  });

function pushOf(metrics: readonly Metric[]): MetricPushSink {
  return new MetricPushSink({
    client: new OtlpClient({ url: receiver.url, headers: {}, timeoutMs: 5000 }),
    ...{ encode: encode(metrics), intervalMs: HOUR_MS, onFault: () => (faults += 1) },
  });
}

async function pushed(metrics: readonly Metric[]): Promise<readonly Record<string, unknown>[]> {
  const push = pushOf(metrics);
  await push.push();
  const text = JSON.stringify(receiver.exports.at(-1)?.body);
  await push.close();
  return JSON.parse(text).resourceMetrics[0].scopeMetrics[0].metrics;
}

describe('metrics by OTLP', () => {
  it('are what the page says, as a receiver takes it', async () => {
    const counter = new Counter('calls_total', 'Calls.', ['who']);
    counter.add(['a"\n{}'], 2);
    const times = new Histogram('time_seconds', 'Times.', ['stage'], [1, 2]);
    for (const value of [0.5, 1, 1.5, 9]) times.observe(['x'], value);
    const read = new Readings('gauge', { name: 'length', help: 'Length.', labels: ['queue'] }, () => [
      [['audit'], 3],
    ]);
    const told = await pushed([counter, times, new Gauge('now', 'Now.', () => 0.5), read]);
    const attribute = (key: string, stringValue: string) => [{ key, value: { stringValue } }];
    expect(told).toEqual([
      {
        ...{ name: 'calls_total', description: 'Calls.' },
        sum: {
          dataPoints: [{ ...SPAN, attributes: attribute('who', 'a"\n{}'), asDouble: 2 }],
          ...{ aggregationTemporality: 2, isMonotonic: true },
        },
      },
      {
        ...{ name: 'time_seconds', description: 'Times.' },
        histogram: {
          dataPoints: [
            {
              ...SPAN,
              attributes: attribute('stage', 'x'),
              ...{ count: '4', sum: 12, bucketCounts: ['2', '1', '1'], explicitBounds: [1, 2] },
            },
          ],
          aggregationTemporality: 2,
        },
      },
      {
        ...{ name: 'now', description: 'Now.' },
        gauge: { dataPoints: [{ ...SPAN, attributes: [], asDouble: 0.5 }] },
      },
      {
        ...{ name: 'length', description: 'Length.' },
        gauge: { dataPoints: [{ ...SPAN, attributes: attribute('queue', 'audit'), asDouble: 3 }] },
      },
    ]);
    expect(receiver.faults).toEqual([]);
  });

  it('leave out what has nothing to tell yet', async () => {
    expect(await pushed([new Counter('calls_total', 'Calls.', ['who'])])).toEqual([]);
    expect(receiver.faults).toEqual([]);
  });

  it('are told of once while a receiver is down, and lose nothing, since they count from the start', async () => {
    const counter = new Counter('calls_total', 'Calls.', []);
    const push = pushOf([counter]);
    receiver.answer = { status: 503, body: '' };
    counter.add([]);
    await push.push();
    await push.push();
    expect(faults).toBe(1);
    receiver.answer = null;
    counter.add([]);
    await push.close();
    expect(JSON.stringify(receiver.exports.at(-1)?.body)).toContain('"asDouble":2');
  });
});
