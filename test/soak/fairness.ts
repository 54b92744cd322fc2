import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { forkChild } from '../bench/gateways/child.ts';
import type { Origins } from '../bench/graph/subgraphs-server.ts';
import { composeBenchmark } from '../bench/graph/supergraph.ts';
import { requestBody, tagOf, WORKLOADS } from '../bench/graph/workloads.ts';
import { CALLER_AUDIENCE, CALLER_ISSUER, createCallerIssuer } from '../bench/load/caller.ts';

/** Calls that a tenant may make in a second; the quiet one makes four fifths of them, the loud one ten times as many. */
const LIMIT = 30;
const QUIET_PER_SECOND = LIMIT * 0.8;
const LOUD_PER_SECOND = LIMIT * 10;
/** Quiet alone and quiet beside loud take turns, so that what else the machine does falls on both alike. */
const TURN_MS = 5000;
/** Nine in ten are over the limit, less what is saved up when a turn begins. */
export const REFUSED_SHARE_MIN = 0.8;
/** How much worse the quiet tenant may fare beside the loud one. */
export const RATIO_MAX = 1.2;
const GATEWAY = join(import.meta.dirname, '../bench/gateways/portcullis-gateway.ts');
const SUBGRAPHS = join(import.meta.dirname, '../bench/graph/subgraphs-server.ts');

/** Connections of each tenant: none waits here for those of the other. */
const agents = { loud: connections(), quiet: connections() };
let sent = 0;

function connections(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 64 });
}

interface Caller {
  readonly url: string;
  readonly token: string;
  readonly agent: Agent;
}

/** Status of one call, and how long it took. */
function call({ url, token, agent }: Caller): Promise<{ readonly status: number; readonly tookMs: number }> {
  sent += 1;
  const body = requestBody(WORKLOADS.small, tagOf(sent));
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      authorization: `Bearer ${token}`,
    };
    const asked = request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, tookMs: performance.now() - startedMs }),
      );
    });
    asked.once('error', reject);
    asked.end(body);
  });
}

interface Load extends Caller {
  readonly perSecond: number;
  readonly forMs: number;
}

/** Calls at their times, whether or not those before are answered: who waits for a slow gateway does not see it. */
async function callAll({ perSecond, forMs, ...caller }: Load) {
  const calls: ReturnType<typeof call>[] = [];
  const startedMs = performance.now();
  for (let turn = 0; turn < (perSecond * forMs) / 1000; turn += 1) {
    const dueMs = startedMs + (turn * 1000) / perSecond - performance.now();
    if (dueMs > 1) await pause(dueMs);
    calls.push(call(caller));
  }
  return Promise.all(calls);
}

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
  return { url: gateway.ready.url, issuer };
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
  opened.defer(() => agents.loud.destroy());
  opened.defer(() => agents.quiet.destroy());
  const { url, issuer } = await startGateway(opened);
  const [loud, quiet] = [await issuer.token('loud'), await issuer.token('quiet')];
  const quietLoad = { url, token: quiet, agent: agents.quiet, perSecond: QUIET_PER_SECOND, forMs: TURN_MS };
  const loudLoad = { url, token: loud, agent: agents.loud, perSecond: LOUD_PER_SECOND, forMs: TURN_MS };
  await Promise.all([callAll(quietLoad), callAll(loudLoad)]);
  const alone: number[] = [];
  const beside: number[] = [];
  let refused = 0;
  for (let turn = 0; turn * TURN_MS < seconds * 1000; turn += 1) {
    const own = await callAll(quietLoad);
    const [next, others] = await Promise.all([callAll(quietLoad), callAll(loudLoad)]);
    if ([...own, ...next].some(({ status }) => status !== 200))
      throw new Error('the quiet tenant was refused');
    refused += others.filter(({ status }) => status === 429).length;
    alone.push(...own.map(({ tookMs }) => tookMs));
    beside.push(...next.map(({ tookMs }) => tookMs));
  }
  return { ratio: p99(beside) / p99(alone), refusedShare: refused / (LOUD_PER_SECOND * seconds) };
}
