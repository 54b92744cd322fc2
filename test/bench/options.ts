import { parseArgs } from 'node:util';
import { CONTENDERS, REFERENCE } from './gateways/contenders.ts';
import { LOAD_KINDS, type LoadKind, WORKLOAD_NAMES, type WorkloadName } from './graph/workloads.ts';

/** What a run of the benchmark is asked for. */
export interface BenchOptions {
  readonly contenders: readonly string[];
  readonly workloads: readonly WorkloadName[];
  readonly loads: readonly LoadKind[];
  /** How often every gateway is started anew: two processes of one program differ by some percent for as long as they live. */
  readonly starts: number;
  /** Measurements of everybody after each start. */
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly connections: number;
  readonly profile: boolean;
}

/** How the benchmark is called. */
export const USAGE = `Measures Portcullis beside other gateways: CPU time per request, throughput, latency, memory.

  npm run bench                        everybody, every operation
  npm run bench -- --quick             one short round, to see that it works
  npm run bench -- --profile           where Portcullis spends its time
  npm run bench -- --only hive,apollo  with these gateways only (${REFERENCE} always takes part)

  --only NAMES        of ${CONTENDERS.map(({ name }) => name).join(', ')}
  --workloads NAMES   of ${WORKLOAD_NAMES.join(', ')}
  --loads NAMES       of ${LOAD_KINDS.join(', ')}
  --starts N          times that everybody is started anew (1)
  --rounds N          times that everybody is measured after each start (5)
  --seconds N         length of one measurement (4)
  --connections N     requests in flight (32)

The peers are installed once: npm ci --prefix test/bench/peers
`;

const STARTS_MAX = 20;
const ROUNDS_MAX = 100;
const SECONDS_MAX = 300;
const CONNECTIONS_MAX = 1024;

function namesOf<Name extends string>(text: string | undefined, known: readonly Name[]): readonly Name[] {
  if (text === undefined) return known;
  const asked = text.split(',').map((name) => name.trim());
  const unknown = asked.filter((name) => !known.some((each) => each === name));
  if (unknown.length > 0) throw new RangeError(`unknown: ${unknown.join(', ')}; known: ${known.join(', ')}`);
  return known.filter((name) => asked.includes(name));
}

function numberOf(
  text: string | undefined,
  { initial, max }: { readonly initial: number; readonly max: number },
) {
  if (text === undefined) return initial;
  const value = Number(text);
  if (!(value > 0 && value <= max)) throw new RangeError(`${text} is not a number above 0 and up to ${max}`);
  return value;
}

/**
 * Reads the command line; null where help was asked for.
 * Throws: RangeError and TypeError, told to the user.
 */
export function readOptions(args: readonly string[]): BenchOptions | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      workloads: { type: 'string' },
      loads: { type: 'string' },
      starts: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      connections: { type: 'string' },
      quick: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return null;
  const asked = namesOf(
    values.only,
    CONTENDERS.map(({ name }) => name),
  );
  const { quick } = values;
  return {
    contenders: asked.includes(REFERENCE) ? asked : [REFERENCE, ...asked],
    workloads: namesOf(values.workloads, WORKLOAD_NAMES),
    loads: namesOf(values.loads, LOAD_KINDS),
    starts: Math.ceil(numberOf(values.starts, { initial: 1, max: STARTS_MAX })),
    rounds: Math.ceil(numberOf(values.rounds, { initial: quick ? 1 : 5, max: ROUNDS_MAX })),
    seconds: numberOf(values.seconds, { initial: quick ? 1 : 4, max: SECONDS_MAX }),
    warmUpSeconds: quick ? 1 : 4,
    connections: Math.ceil(numberOf(values.connections, { initial: 32, max: CONNECTIONS_MAX })),
    profile: values.profile,
  };
}
