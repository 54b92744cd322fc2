import { Agent, request } from 'node:http';
import { usageOf } from '../load/process-usage.ts';
import type { Way } from './contenders.ts';

/** What was seen of calls that are not streamed. */
export interface CallSample {
  readonly calls: number;
  /** Of all processes of the way. Units: microseconds. */
  readonly cpuUsPerCall: number;
  readonly callsPerSecond: number;
}

const PROMPT = 'Tell me, in a few words, what a gateway between clients and services is good for. '.repeat(6);
const CONTENT = /"content":"[^"]/u;
let asked = 0;

function bodyOf({ model, distinct }: Way, stream: boolean): string {
  asked += 1;
  const messages = [
    { role: 'system', content: 'You are brief.' },
    { role: 'user', content: distinct ? `${PROMPT}${asked}` : PROMPT },
  ];
  return JSON.stringify({ model, messages, max_tokens: 256, ...(stream ? { stream } : {}) });
}

/** Sends one call; tells when the first word came. Throws: where the answer is not what it should be. */
function call(way: Way, agent: Agent, stream: boolean): Promise<{ readonly firstMs: number }> {
  const body = bodyOf(way, stream);
  return new Promise((resolve, reject) => {
    const sentMs = performance.now();
    const headers = {
      ...{ 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      ...way.headers,
    };
    const outgoing = request(way.url, { method: 'POST', agent, headers }, (response) => {
      let text = '';
      let firstMs: number | null = null;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (firstMs === null && CONTENT.test(text)) firstMs = performance.now() - sentMs;
      });
      response.on('end', () => {
        const isWhole = stream ? text.includes('[DONE]') : text.includes('word31');
        if (response.statusCode === 200 && firstMs !== null && isWhole) resolve({ firstMs });
        else reject(new Error(`${way.name} answers with ${response.statusCode}: ${text.slice(0, 500)}`));
      });
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Keeps so many calls in flight, and accounts for what the way used meanwhile. Units: milliseconds. */
export async function measureCalls(
  way: Way,
  { connections, durationMs }: { readonly connections: number; readonly durationMs: number },
): Promise<CallSample> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const untilMs = performance.now() + durationMs;
  let calls = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      await call(way, agent, false);
      calls += 1;
    }
  };
  const pid = way.child?.pid ?? null;
  const before = pid === null ? 0 : usageOf(pid).cpuUs;
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: connections }, caller));
  const seconds = (performance.now() - startedMs) / 1000;
  const cpuUs = pid === null ? 0 : usageOf(pid).cpuUs - before;
  agent.destroy();
  return { calls, cpuUsPerCall: cpuUs / calls, callsPerSecond: calls / seconds };
}

/** Asks for streams one after the other; how long the first word of each took. Units: milliseconds. */
export async function measureFirstWords(way: Way, calls: number): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const firstMs: number[] = [];
  for (let index = 0; index < calls; index += 1) firstMs.push((await call(way, agent, true)).firstMs);
  agent.destroy();
  return firstMs;
}
