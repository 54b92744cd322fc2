import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { requestBody, tagOf, WORKLOADS } from '../bench/graph/workloads.ts';

/** Calls of one tenant. */
export interface PacedLoad {
  readonly url: string;
  readonly token: string;
  readonly perSecond: number;
  readonly forMs: number;
}

export interface PacedCall {
  readonly status: number;
  readonly tookMs: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
let sent = 0;

function call({ url, token }: PacedLoad): Promise<PacedCall> {
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

/**
 * Calls at their times, whether or not those before are answered: who waits for a slow gateway does not see it. Each comes at
 * any moment of its share of the time: two even loads would always meet, or never.
 */
export async function callAll(load: PacedLoad): Promise<readonly PacedCall[]> {
  const calls: Promise<PacedCall>[] = [];
  const startedMs = performance.now();
  for (let turn = 0; turn < (load.perSecond * load.forMs) / 1000; turn += 1) {
    const dueMs = startedMs + ((turn + Math.random()) * 1000) / load.perSecond - performance.now();
    if (dueMs > 1) await pause(dueMs);
    calls.push(call(load));
  }
  return Promise.all(calls);
}

/** Ends kept connections. */
export function endCalls(): void {
  agent.destroy();
}
