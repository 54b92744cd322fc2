import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median } from '../report/summary.ts';
import { columns } from '../report/table.ts';
import { measureCalls, measureFirstWords } from './ask-client.ts';
import { DIRECT, PEER, REFERENCE, startWays, type Way } from './contenders.ts';

export const AI_USAGE = `Measures what chats of AI models cost beside calling the provider, and beside Portkey's gateway.

  npm run bench -- ai [--quick] [--rounds N] [--seconds N] [--streams N] [--connections N]

  --quick           one short round, to see that it works
  --rounds N        times that everybody is measured (5)
  --seconds N       length of one measurement of calls (4)
  --streams N       streams of one measurement of first words (200)
  --connections N   calls in flight (16)
`;

const OUTPUT = join(import.meta.dirname, '../../../.portcullis/bench');
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const progress = (line: string): void => void process.stderr.write(`${line}\n`);

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly streams: number;
  readonly connections: number;
}

/** One way in one round. Units: microseconds and milliseconds. */
interface Sample {
  readonly way: string;
  readonly round: number;
  readonly cpuUsPerCall: number;
  readonly callsPerSecond: number;
  readonly firstWordMs: number;
}

/** Medians over the rounds, and ratios to the reference of the same round. */
interface Row {
  readonly way: string;
  readonly cpuUsPerCall: number;
  readonly cpuRatio: number;
  readonly cpuRatioRange: readonly [number, number];
  readonly callsPerSecond: number;
  readonly firstWordAddedMs: number;
  readonly firstWordRatio: number;
}

/** Runs it; the status to exit with. */
export async function benchAi(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  await using opened = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-bench-ai-'));
  opened.defer(() => rmSync(directory, { recursive: true, force: true }));
  const ways = await startWays(directory, opened, progress);
  const samples = await measureAll(ways, options);
  const rows = ways.map(({ name }) => rowOf(name, samples));
  for (const { name, about } of ways) print(`${name.padEnd(18)}${about}`);
  print(`\n${tableOf(rows)}\n\n${marksOf(rows)}`);
  mkdirSync(OUTPUT, { recursive: true });
  const date = new Date().toISOString();
  const file = join(OUTPUT, `${date.replaceAll(':', '-').slice(0, 19)}-ai.json`);
  const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? '', node: process.version };
  writeFileSync(file, `${JSON.stringify({ date, machine, options, rows, samples }, null, 2)}\n`);
  print(`\nwritten to ${file}`);
  return 0;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ quick: { type: 'boolean', default: false }, rounds: { type: 'string' } },
      ...{ seconds: { type: 'string' }, streams: { type: 'string' }, connections: { type: 'string' } },
    },
  });
  const of = (text: string | undefined, initial: number, max: number): number => {
    const value = text === undefined ? initial : Number(text);
    if (!(value >= 1 && value <= max)) throw new RangeError(`${text} is not a number from 1 to ${max}`);
    return Math.ceil(value);
  };
  const { quick } = values;
  return {
    rounds: of(values.rounds, quick ? 1 : 5, 100),
    seconds: of(values.seconds, quick ? 1 : 4, 300),
    streams: of(values.streams, quick ? 20 : 200, 10_000),
    connections: of(values.connections, 16, 1024),
  };
}

/** Everybody takes turns in each round, beginning with another one each time. */
async function measureAll(ways: readonly Way[], options: Options): Promise<readonly Sample[]> {
  const { rounds, seconds, streams, connections } = options;
  for (const way of ways) {
    progress(`warming up ${way.name}`);
    await measureCalls(way, { connections, durationMs: seconds * 1000 });
    await measureFirstWords(way, streams);
  }
  const samples: Sample[] = [];
  for (let round = 0; round < rounds; round += 1) {
    progress(`round ${round + 1} of ${rounds}`);
    for (let turn = 0; turn < ways.length; turn += 1) {
      const way = ways[(round + turn) % ways.length];
      if (way === undefined) continue;
      const { cpuUsPerCall, callsPerSecond } = await measureCalls(way, {
        ...{ connections, durationMs: seconds * 1000 },
      });
      const firstWordMs = median(await measureFirstWords(way, streams));
      samples.push({ way: way.name, round, cpuUsPerCall, callsPerSecond, firstWordMs });
    }
  }
  return samples;
}

function rowOf(way: string, samples: readonly Sample[]): Row {
  const byRound = (name: string) => samples.filter((sample) => sample.way === name);
  const [own, reference, direct] = [byRound(way), byRound(REFERENCE), byRound(DIRECT)];
  const added = (of: readonly Sample[]) =>
    of.map(({ firstWordMs }, index) => firstWordMs - (direct[index]?.firstWordMs ?? Number.NaN));
  const ratios = own.map(
    ({ cpuUsPerCall }, index) => cpuUsPerCall / (reference[index]?.cpuUsPerCall ?? Number.NaN),
  );
  return {
    way,
    cpuUsPerCall: median(own.map(({ cpuUsPerCall }) => cpuUsPerCall)),
    cpuRatio: median(ratios),
    cpuRatioRange: [Math.min(...ratios), Math.max(...ratios)],
    callsPerSecond: median(own.map(({ callsPerSecond }) => callsPerSecond)),
    firstWordAddedMs: median(added(own)),
    firstWordRatio: median(added(own)) / median(added(reference)),
  };
}

function tableOf(rows: readonly Row[]): string {
  const head = ['', 'CPU/call', 'CPU ratio', '(range)', 'calls/s', 'first word added', 'ratio'];
  return columns([
    head,
    ...rows.map((row) => [
      row.way,
      row.way === DIRECT ? '' : `${row.cpuUsPerCall.toFixed(0)} µs`,
      row.way === DIRECT ? '' : `× ${row.cpuRatio.toFixed(2)}`,
      row.way === DIRECT ? '' : row.cpuRatioRange.map((ratio) => ratio.toFixed(2)).join('–'),
      row.callsPerSecond.toFixed(0),
      `${row.firstWordAddedMs.toFixed(2)} ms`,
      `× ${row.firstWordRatio.toFixed(2)}`,
    ]),
  ]);
}

/** Ahead of the peer with everything on: its figures are above ours. */
function marksOf(rows: readonly Row[]): string {
  const peer = rows.find(({ way }) => way === PEER);
  if (peer === undefined) return `no mark: ${PEER} took no part`;
  const verdict = (ratio: number): string =>
    `× ${ratio.toFixed(2)}, ${ratio > 1 ? 'reached' : 'not reached'}`;
  return [
    `mark: CPU per call, ${PEER} above × 1.00: ${verdict(peer.cpuRatio)}`,
    `mark: first word added, ${PEER} above × 1.00: ${verdict(peer.firstWordRatio)}`,
  ].join('\n');
}
