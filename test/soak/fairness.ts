import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, forkChild, messageFrom } from '../bench/gateways/child.ts';
import type { Origins } from '../bench/graph/subgraphs-server.ts';
import { composeBenchmark } from '../bench/graph/supergraph.ts';
import { CALLER_AUDIENCE, CALLER_ISSUER, createCallerIssuer } from '../bench/load/caller.ts';
import { callAll, endCalls, type PacedCall, type PacedLoad } from './paced-load.ts';
import type { PacedReply } from './paced-load-worker.ts';

/** Calls that a tenant may make in a second; the quiet one makes four fifths of them, the loud one ten times as many. */
const LIMIT = 30;
const QUIET_PER_SECOND = LIMIT * 0.8;
const LOUD_PER_SECOND = LIMIT * 10;
/** Quiet alone, beside loud, and while loud is elsewhere take turns, so that what else the machine does falls on all alike. */
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

/** A gateway with subgraphs of its own, and who makes the tokens that it takes. */
interface Place {
  readonly url: string;
  readonly issuer: Awaited<ReturnType<typeof createCallerIssuer>>;
}

async function startGateway(opened: AsyncDisposableStack): Promise<Place> {
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
  return { url: gateway.ready.url, issuer };
}

async function startWorker(opened: AsyncDisposableStack, file: string): Promise<Child> {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-soak-'));
  opened.defer(() => rmSync(directory, { recursive: true, force: true }));
  const { child } = await forkChild({
    file: join(import.meta.dirname, file),
    logFile: join(directory, 'log'),
  });
  opened.defer(() => child.stop());
  return child;
}

/** The load of a tenant at a place. */
async function loadAt({ url, issuer }: Place, tenant: 'quiet' | 'loud'): Promise<PacedLoad> {
  const perSecond = tenant === 'quiet' ? QUIET_PER_SECOND : LOUD_PER_SECOND;
  return { url, token: await issuer.token(tenant), perSecond, forMs: TURN_MS };
}

/** How many calls of one turn were refused. */
async function refusedOf(loud: Child, load: PacedLoad): Promise<number> {
  const answer = messageFrom<PacedReply>(loud, load.forMs + TURN_GRACE_MS);
  loud.process.send(load);
  const reply = await answer;
  if ('fault' in reply) throw new Error(`the loud tenant: ${reply.fault}`);
  return reply.refused;
}

/** What came of it: 99th percentiles of the quiet tenant, as multiples of that alone. */
export interface Fairness {
  /** Beside the loud tenant. */
  readonly ratio: number;
  /** While the loud tenant asks another gateway: what it does to the machine, which they share here as they would not elsewhere. */
  readonly machineRatio: number;
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
  const [here, elsewhere] = [await startGateway(opened), await startGateway(opened)];
  const loud = await startWorker(opened, 'paced-load-worker.ts');
  for (let core = 0; core < availableParallelism(); core += 1) await startWorker(opened, 'awake-worker.ts');
  const quietLoad = await loadAt(here, 'quiet');
  const [loudLoad, otherLoad] = [await loadAt(here, 'loud'), await loadAt(elsewhere, 'loud')];
  const beside = async (load: PacedLoad) => {
    const [calls, refused] = await Promise.all([callAll(quietLoad), refusedOf(loud, load)]);
    return { calls, refused };
  };
  // What is compiled and connected is so for both before anything counts.
  await beside(loudLoad);
  await beside(otherLoad);
  const times = { alone: [] as number[], beside: [] as number[], machine: [] as number[] };
  let refused = 0;
  for (let turn = 0; turn * TURN_MS < seconds * 1000; turn += 1) {
    times.alone.push(...timesOf(await callAll(quietLoad)));
    const both = await beside(loudLoad);
    times.beside.push(...timesOf(both.calls));
    refused += both.refused;
    times.machine.push(...timesOf((await beside(otherLoad)).calls));
  }
  return {
    ratio: p99(times.beside) / p99(times.alone),
    machineRatio: p99(times.machine) / p99(times.alone),
    refusedShare: refused / (LOUD_PER_SECOND * seconds),
  };
}

function timesOf(calls: readonly PacedCall[]): readonly number[] {
  if (calls.some(({ status }) => status !== 200))
    throw new Error(`the quiet tenant was refused: ${calls.find(({ status }) => status !== 200)?.status}`);
  return calls.map(({ tookMs }) => tookMs);
}
