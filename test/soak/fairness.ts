import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, forkChild, messageFrom } from '../bench/gateways/child.ts';
import type { Origins } from '../bench/graph/subgraphs-server.ts';
import { composeBenchmark } from '../bench/graph/supergraph.ts';
import { CALLER_AUDIENCE, CALLER_ISSUER, createCallerIssuer } from '../bench/load/caller.ts';
import { callAll, endCalls, type PacedLoad } from './paced-load.ts';
import type { PacedReply } from './paced-load-worker.ts';

/** Calls that a tenant may make in a second; the quiet one makes four fifths of them, the loud one ten times as many. */
const LIMIT = 30;
const QUIET_PER_SECOND = LIMIT * 0.8;
const LOUD_PER_SECOND = LIMIT * 10;
/** Quiet alone and quiet beside loud take turns, so that what else the machine does falls on both alike. */
const TURN_MS = 5000;
/** Time that the last calls of a turn may still take. */
const TURN_GRACE_MS = 30_000;
/** Nine in ten are over the limit, less what is saved up when a turn begins. */
export const REFUSED_SHARE_MIN = 0.8;
/** How much worse the quiet tenant may fare beside the loud one. */
export const RATIO_MAX = 1.2;
const GATEWAY = join(import.meta.dirname, '../bench/gateways/portcullis-gateway.ts');
const SUBGRAPHS = join(import.meta.dirname, '../bench/graph/subgraphs-server.ts');

function p99(times: readonly number[]): number {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length * 0.99)] ?? 0;
}

async function startGateway(opened: AsyncDisposableStack) {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-soak-'));
  opened.defer(() => rmSync(directory, { recursive: true, force: true }));
  const subgraphs = await forkChild<Origins>({ file: SUBGRAPHS, logFile: join(directory, 'subgraphs.log') });
  opened.defer(() => subgraphs.child.stop());
  const issuer = await createCallerIssuer(directory);
  const supergraph = join(directory, 'supergraph.graphql');
  writeFileSync(supergraph, composeBenchmark(subgraphs.ready.subgraphs, true));
  const config = join(directory, 'portcullis.json');
  const jwt = {
    ...{ issuer: CALLER_ISSUER, jwks: issuer.jwksFile },
    ...{ audiences: [CALLER_AUDIENCE], algorithms: ['ES256'] },
  };
  writeFileSync(
    config,
    JSON.stringify({
      ...{ listen: { port: 0 }, supergraph: { file: supergraph, watch: false }, log: { level: 'warn' } },
      identity: { anonymous: false, jwt: [jwt] },
      audit: { directory: join(directory, 'audit') },
      rateLimits: { limits: [{ name: 'tenants', by: ['tenant'], points: LIMIT, perSeconds: 1 }] },
    }),
  );
  const gateway = await forkChild<{ url: string }>({
    ...{ file: GATEWAY, args: [config], nodeArgs: ['--max-semi-space-size=64'] },
    logFile: join(directory, 'gateway.log'),
  });
  opened.defer(() => gateway.child.stop());
  const loud = await forkChild({
    file: join(import.meta.dirname, 'paced-load-worker.ts'),
    logFile: join(directory, 'loud.log'),
  });
  opened.defer(() => loud.child.stop());
  return { url: gateway.ready.url, issuer, loud: loud.child };
}

/** How many calls of one turn were refused. */
async function refusedOf(loud: Child, load: PacedLoad): Promise<number> {
  const answer = messageFrom<PacedReply>(loud, load.forMs + TURN_GRACE_MS);
  loud.process.send(load);
  const reply = await answer;
  if ('fault' in reply) throw new Error(`the loud tenant: ${reply.fault}`);
  return reply.refused;
}

/** What came of it: the 99th percentile of the quiet tenant beside the loud one, as a multiple of that alone. */
export interface Fairness {
  readonly ratio: number;
  /** Of what the loud tenant asked for. */
  readonly refusedShare: number;
}

/**
 * A tenant at ten times its limit beside one within its own, on one gateway. Rejects where the quiet one is refused anything, or
 * a call breaks.
 */
export async function measureFairness(seconds: number): Promise<Fairness> {
  await using opened = new AsyncDisposableStack();
  opened.defer(endCalls);
  const { url, issuer, loud } = await startGateway(opened);
  const quietLoad = { url, token: await issuer.token('quiet'), perSecond: QUIET_PER_SECOND, forMs: TURN_MS };
  const loudLoad = { url, token: await issuer.token('loud'), perSecond: LOUD_PER_SECOND, forMs: TURN_MS };
  // What is compiled and connected is so for both before anything counts.
  await Promise.all([callAll(quietLoad), refusedOf(loud, loudLoad)]);
  const alone: number[] = [];
  const beside: number[] = [];
  let refused = 0;
  for (let turn = 0; turn * TURN_MS < seconds * 1000; turn += 1) {
    const own = await callAll(quietLoad);
    const [next, others] = await Promise.all([callAll(quietLoad), refusedOf(loud, loudLoad)]);
    if ([...own, ...next].some(({ status }) => status !== 200))
      throw new Error('the quiet tenant was refused');
    refused += others;
    alone.push(...own.map(({ tookMs }) => tookMs));
    beside.push(...next.map(({ tookMs }) => tookMs));
  }
  return { ratio: p99(beside) / p99(alone), refusedShare: refused / (LOUD_PER_SECOND * seconds) };
}
