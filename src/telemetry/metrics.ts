/** Label sets of one metric; reason: names that clients choose never are labels, so only a fault could make more. */
const SERIES_MAX = 2000;
const OVERFLOW = 'other';

/** What takes part in a page of metrics. Source: Prometheus text exposition format 0.0.4. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  lines(): readonly string[];
  points(): readonly MetricPoint[];
}

type Labels = Readonly<Record<string, string>>;

/** What stands at one set of labels. `counts` has one more than `bounds`: what is above the last. */
export type MetricPoint =
  | { readonly labels: Labels; readonly value: number }
  | {
      readonly labels: Labels;
      readonly counts: readonly number[];
      readonly bounds: readonly number[];
      readonly sum: number;
    };

/** Counts by label values, which stand in the order of the label names. */
export class Counter implements Metric {
  readonly type = 'counter';
  readonly name: string;
  readonly help: string;
  readonly #labels: readonly string[];
  readonly #series = new Map<string, { readonly values: readonly string[]; count: number }>();

  constructor(name: string, help: string, labels: readonly string[]) {
    this.name = name;
    this.help = help;
    this.#labels = labels;
  }

  add(values: readonly string[], count = 1): void {
    const key = values.join('\u0000');
    const known = this.#series.get(key);
    if (known !== undefined) known.count += count;
    else if (this.#series.size < SERIES_MAX || isOverflow(values)) this.#series.set(key, { values, count });
    else
      this.add(
        values.map(() => OVERFLOW),
        count,
      );
  }

  lines(): readonly string[] {
    return [...this.#series.values()].map(
      ({ values, count }) => `${this.name}${labelled(this.#labels, values)} ${count}`,
    );
  }

  points(): readonly MetricPoint[] {
    return [...this.#series.values()].map(({ values, count }) => ({
      labels: labelsOf(this.#labels, values),
      value: count,
    }));
  }
}

/** Upper bounds of times, from half a millisecond to ten seconds. Units: seconds. */
export const TIME_BUCKETS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

interface Series {
  readonly values: readonly string[];
  /** One more than there are bounds: what is above the last. */
  readonly counts: Float64Array;
  sum: number;
}

/** How values spread over buckets, by label values. */
export class Histogram implements Metric {
  readonly type = 'histogram';
  readonly name: string;
  readonly help: string;
  readonly #labels: readonly string[];
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Series>();

  constructor(name: string, help: string, labels: readonly string[], bounds = TIME_BUCKETS) {
    this.name = name;
    this.help = help;
    this.#labels = labels;
    this.#bounds = bounds;
  }

  observe(values: readonly string[], value: number): void {
    const series = this.#of(values);
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] ?? 0)) at += 1;
    series.counts[at] = (series.counts[at] ?? 0) + 1;
    series.sum += value;
  }

  lines(): readonly string[] {
    return [...this.#series.values()].flatMap(({ values, counts, sum }) => {
      const labels = [...this.#labels, 'le'];
      let total = 0;
      const buckets = [...this.#bounds, Number.POSITIVE_INFINITY].map((bound, at) => {
        total += counts[at] ?? 0;
        const le = bound === Number.POSITIVE_INFINITY ? '+Inf' : String(bound);
        return `${this.name}_bucket${labelled(labels, [...values, le])} ${total}`;
      });
      const own = labelled(this.#labels, values);
      return [...buckets, `${this.name}_sum${own} ${sum}`, `${this.name}_count${own} ${total}`];
    });
  }

  points(): readonly MetricPoint[] {
    return [...this.#series.values()].map(({ values, counts, sum }) => ({
      labels: labelsOf(this.#labels, values),
      ...{ counts: [...counts], bounds: this.#bounds, sum },
    }));
  }

  #of(values: readonly string[]): Series {
    const key = values.join('\u0000');
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    if (this.#series.size >= SERIES_MAX && !isOverflow(values)) return this.#of(values.map(() => OVERFLOW));
    const made: Series = { values, counts: new Float64Array(this.#bounds.length + 1), sum: 0 };
    this.#series.set(key, made);
    return made;
  }
}

/** A value that is looked at when it is asked for. */
export class Gauge implements Metric {
  readonly type = 'gauge';
  readonly name: string;
  readonly help: string;
  readonly #read: () => number;

  constructor(name: string, help: string, read: () => number) {
    this.name = name;
    this.help = help;
    this.#read = read;
  }

  lines(): readonly string[] {
    return [`${this.name} ${this.#read()}`];
  }

  points(): readonly MetricPoint[] {
    return [{ labels: {}, value: this.#read() }];
  }
}

/** Values that are looked at when they are asked for, by label values. */
export class Readings implements Metric {
  readonly type: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  readonly #labels: readonly string[];
  readonly #read: () => Iterable<Reading>;

  constructor(
    type: 'counter' | 'gauge',
    described: { readonly name: string; readonly help: string; readonly labels: readonly string[] },
    read: () => Iterable<Reading>,
  ) {
    this.type = type;
    this.name = described.name;
    this.help = described.help;
    this.#labels = described.labels;
    this.#read = read;
  }

  lines(): readonly string[] {
    return [...this.#read()].map(
      ([values, value]) => `${this.name}${labelled(this.#labels, values)} ${value}`,
    );
  }

  points(): readonly MetricPoint[] {
    return [...this.#read()].map(([values, value]) => ({ labels: labelsOf(this.#labels, values), value }));
  }
}

/** Label values, and what is read there. */
export type Reading = readonly [values: readonly string[], value: number];

/** True for the labels of all that no longer has a place of its own. */
function isOverflow(values: readonly string[]): boolean {
  return values.every((value) => value === OVERFLOW);
}

/** A page of metrics. */
export function renderMetrics(metrics: readonly Metric[]): string {
  return metrics
    .flatMap((metric) => [
      `# HELP ${metric.name} ${metric.help}`,
      `# TYPE ${metric.name} ${metric.type}`,
      ...metric.lines(),
      '',
    ])
    .join('\n');
}

function labelled(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return '';
  return `{${names.map((name, at) => `${name}="${escaped(values[at] ?? '')}"`).join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function labelsOf(names: readonly string[], values: readonly string[]): Labels {
  return Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']));
}
