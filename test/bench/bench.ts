import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { AI_USAGE, benchAi } from './ai/ai-bench.ts';
import { AUDIT_INDEX_USAGE, benchAuditIndex } from './audit-index/audit-index.ts';
import { CONTENDERS, type Contender, REFERENCE } from './gateways/contenders.ts';
import { WORKLOADS } from './graph/workloads.ts';
import { measure, type Sample, startLoadGenerator } from './measure.ts';
import { type BenchOptions, readOptions, USAGE } from './options.ts';
import { profileCases } from './profile.ts';
import { renderMarks } from './report/marks.ts';
import { summarize } from './report/summary.ts';
import { renderTables } from './report/table.ts';
import { type Performance, setStage } from './stage.ts';

/** Wider than any name. */
const NAME_WIDTH = 26;

const OUTPUT = join(import.meta.dirname, '../../.portcullis/bench');

/** What shells report for a process that was interrupted. */
const INTERRUPTED = 130;

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const progress = (line: string): void => void process.stderr.write(`${line}\n`);

async function run(options: BenchOptions): Promise<void> {
  const asked = CONTENDERS.filter(({ name }) => options.contenders.includes(name));
  const present = asked.filter((contender) => {
    const reason = contender.missing();
    if (reason !== null) progress(`without ${contender.name}: ${reason}`);
    return reason === null;
  });
  const date = new Date().toISOString();
  const fileName = date.replaceAll(':', '-').slice(0, 19);
  mkdirSync(OUTPUT, { recursive: true });
  await using opened = new AsyncDisposableStack();
  const generator = await startLoadGenerator(join(OUTPUT, 'load.log'));
  opened.defer(() => generator.stop());
  if (options.profile) {
    const directory = join(OUTPUT, `${fileName}-profiles`);
    mkdirSync(directory, { recursive: true });
    const reference = present.filter(({ name }) => name === REFERENCE);
    await using stage = await staged(reference, options);
    print(await profileCases(stage, generator, options, directory));
    return;
  }
  const samples: Sample[] = [];
  let answerBytes: Performance['answerBytes'] = new Map();
  for (let start = 0; start < options.starts; start += 1) {
    await using stage = await staged(present, options);
    samples.push(...(await measure(stage, generator, { options, start }, progress)));
    answerBytes = stage.answerBytes;
  }
  const rows = summarize(samples);
  for (const { name, about } of present) print(`${name.padEnd(NAME_WIDTH)}${about}`);
  print(`\n${renderTables(rows, answerBytes)}`);
  print(`\n${renderMarks(samples)}`);
  const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? '', node: process.version };
  const file = join(OUTPUT, `${fileName}.json`);
  writeFileSync(file, `${JSON.stringify({ date, machine, options, rows, samples }, null, 2)}\n`);
  print(`\nwritten to ${file}`);
}

/** Everybody started, with the operations of this run. */
async function staged(
  contenders: readonly Contender[],
  options: BenchOptions,
): Promise<Performance & AsyncDisposable> {
  const stage = await setStage(
    contenders,
    options.workloads.map((name) => WORKLOADS[name]),
  );
  return { ...stage, [Symbol.asyncDispose]: () => stage.close() };
}

async function main(): Promise<number> {
  const [part, ...rest] = process.argv.slice(2);
  if (part === 'audit-index') return benchAuditIndex(rest);
  if (part === 'ai') return benchAi(rest);
  let options: BenchOptions | null;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (fault) {
    process.stderr.write(`${(fault as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options === null) print(`${USAGE}\n${AUDIT_INDEX_USAGE}\n${AI_USAGE}`);
  else await run(options);
  return 0;
}

// Leaving by way of `exit` ends the children too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(INTERRUPTED));
process.exitCode = await main();
