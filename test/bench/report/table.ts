import { CONTENDERS } from '../gateways/contenders.ts';
import type { SummaryRow } from './summary.ts';

const MEBIBYTE = 1_048_576;
const ORDER = CONTENDERS.map(({ name }) => name);

/** Lays rows out in columns, the first to the left, figures to the right. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => (row[index] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, index) =>
          index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0),
        )
        .join('  '),
    )
    .join('\n');
}

/** The tables of a run: one for each operation and kind of load. */
export function renderTables(rows: readonly SummaryRow[], answerBytes: ReadonlyMap<string, number>): string {
  const cases = Map.groupBy(rows, ({ workload, load }) => `${workload}, ${load} load`);
  const head = [
    '',
    'CPU/request',
    'CPU ratio',
    '(range)',
    'req/s',
    'ratio',
    'p50 ms',
    'p99 ms',
    'memory MiB',
    'core',
  ];
  return [...cases]
    .map(([title, inCase]) => {
      const size = answerBytes.get(inCase[0]?.workload ?? '') ?? 0;
      const sorted = inCase.toSorted((a, b) => ORDER.indexOf(a.contender) - ORDER.indexOf(b.contender));
      return `${title} (answer of ${size} bytes)\n${columns([head, ...sorted.map(cells)])}`;
    })
    .join('\n\n');
}

function cells(row: SummaryRow): string[] {
  return [
    row.contender,
    `${row.cpuUsPerRequest.toFixed(0)} µs`,
    `× ${row.cpuRatio.toFixed(2)}`,
    row.cpuRatioRange.map((ratio) => ratio.toFixed(2)).join('–'),
    row.requestsPerSecond.toFixed(0),
    `× ${row.ratios.requestsPerSecond.toFixed(2)}`,
    row.p50Ms.toFixed(1),
    row.p99Ms.toFixed(1),
    (row.residentBytes / MEBIBYTE).toFixed(0),
    `${(row.cpuShare * 100).toFixed(0)} %`,
  ];
}
