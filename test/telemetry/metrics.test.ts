import parsePrometheus from 'parse-prometheus-text-format';
import { describe, expect, it } from 'vitest';
import { Counter, Gauge, Histogram, renderMetrics } from '../../src/telemetry/metrics.ts';

const parse = (text: string) => parsePrometheus(text) as readonly Family[];

interface Family {
  readonly name: string;
  readonly type: string;
  readonly metrics: readonly {
    readonly value?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly buckets?: Readonly<Record<string, string>>;
    readonly count?: string;
    readonly sum?: string;
  }[];
}

describe('a page of metrics', () => {
  it('is what Prometheus reads, whatever stands in a label', () => {
    const counter = new Counter('calls_total', 'Calls.', ['who']);
    const hostile = 'a"b\\c\nd{}';
    counter.add(['x']);
    counter.add(['x'], 2);
    counter.add([hostile]);
    const times = new Histogram('time_seconds', 'Times.', [], [1, 2]);
    for (const value of [0.5, 1, 1.5, 9]) times.observe([], value);
    const page = renderMetrics([counter, times, new Gauge('now', 'Now.', () => 7)]);
    const [calls, time, now] = parse(page);
    expect(calls).toMatchObject({ name: 'calls_total', type: 'COUNTER' });
    expect(calls?.metrics).toEqual([
      { value: '3', labels: { who: 'x' } },
      { value: '1', labels: { who: hostile } },
    ]);
    expect(time?.metrics[0]).toMatchObject({
      count: '4',
      sum: '12',
      buckets: { 1: '2', 2: '3', '+Inf': '4' },
    });
    expect(now?.metrics).toEqual([{ value: '7' }]);
  });

  it('does not grow without a bound', () => {
    const counter = new Counter('calls_total', 'Calls.', ['who']);
    const times = new Histogram('time_seconds', 'Times.', ['who']);
    for (let at = 0; at < 5000; at += 1) {
      counter.add([`who-${at}`]);
      times.observe([`who-${at}`], 1);
    }
    expect(counter.lines().length).toBeLessThanOrEqual(2001);
    expect(counter.lines().at(-1)).toBe('calls_total{who="other"} 3000');
    expect(times.lines().filter((line) => line.includes('_count')).length).toBeLessThanOrEqual(2001);
  });
});
