import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { portcullis } from '../commands/command-line.ts';
import { freePort } from '../free-port.ts';
import { type Folder, folder, type Part, writeConfig } from './gateway-kit.ts';
import { type Served, serve } from './serve-kit.ts';
import { startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

interface LogLine {
  readonly event: string;
  readonly worker?: number;
  readonly fields: { readonly worker?: number; readonly pid?: number };
}

let shop: TinySubgraph;
beforeAll(async () => {
  shop = await startTinySubgraph('shop', 'type Query { open: String } type Mutation { put: String }', {
    Query: { open: () => 'open' },
    Mutation: { put: () => 'put' },
  });
});
afterAll(() => shop.close());

const logOf = (served: Served): readonly LogLine[] =>
  served
    .output()
    .stderr.split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));

/** Process ids of workers, by number, as the log tells them last. */
const pidsOf = (served: Served): ReadonlyMap<number, number> =>
  new Map(
    logOf(served)
      .filter(({ event }) => event === 'worker serves')
      .map(({ fields }) => [fields.worker ?? 0, fields.pid ?? 0]),
  );

/** Writes a configuration with workers: a number stands where the kit writes sections. */
function writeWorkers(where: Folder, parts: readonly Part[], sections: object): string {
  const config = JSON.parse(readFileSync(writeConfig(where, parts), 'utf8'));
  return where.write('workers.yaml', JSON.stringify({ ...config, ...sections }));
}

/** Asks on a connection of its own: workers are chosen by connection. */
function fresh(url: string, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const asking = request(url, { agent: false, method: body === undefined ? 'GET' : 'POST', headers });
    asking.on('error', reject).on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('error', reject);
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    });
    asking.end(body);
  });
}

/** A bound for waiting: starting a process takes long where many run. */
const STARTED_MS = 40_000;

const PAUSE_MS = 10;

const QUERY = JSON.stringify({ query: '{ open }' });
const MUTATION = JSON.stringify({ query: 'mutation { put }' });

describe('portcullis serve with two workers', () => {
  let where: Folder;
  let served: Served;
  let url: string;
  let metricsPort: number;

  beforeAll(async () => {
    where = folder();
    metricsPort = await freePort(1);
    served = serve(
      writeWorkers(where, [shop], {
        workers: 2,
        log: { level: 'info' },
        telemetry: { metrics: { enabled: true, port: metricsPort } },
      }),
    );
    url = await served.url;
  });
  afterAll(async () => {
    await served.stop();
    where.remove();
  });

  it('serves from both, with one log, one key and a page of metrics each', async () => {
    expect(served.output().stdout).toMatch(/^listening on http:\/\/127\.0\.0\.1:[1-9]\d*\/graphql\n$/u);
    const keys = new Set<string>();
    await vi.waitFor(
      async () => {
        // The system chooses a worker for each connection.
        await fresh(url, QUERY);
        keys.add(await fresh(new URL('/.well-known/jwks.json', url).href));
        for (const port of [metricsPort, metricsPort + 1])
          expect(await fresh(`http://127.0.0.1:${port}/metrics`)).toMatch(
            /portcullis_requests_total\{[^}]*type="query"[^}]*\} [1-9]/u,
          );
      },
      { timeout: STARTED_MS },
    );
    expect(keys.size).toBe(1);
    const listening = logOf(served).filter(({ event }) => event === 'listening');
    expect(listening.map(({ worker }) => worker).sort()).toEqual([1, 2]);
  });

  it('loses nothing that came after a killed worker had ended, and starts it again', async () => {
    const before = pidsOf(served);
    const killed = before.get(1) ?? 0;
    const hasEnded = () =>
      logOf(served).some(({ event, fields }) => event === 'worker ended' && fields.pid === killed);
    const outcomes: { readonly answer: string | Error; readonly cameAfter: boolean }[] = [];
    let asking = true;
    const caller = async (pauseMs: number): Promise<void> => {
      while (asking) {
        const cameAfter = hasEnded();
        const answer = await fresh(url, MUTATION).catch((fault: Error) => fault);
        outcomes.push({ answer, cameAfter });
        // Without a pause they are in the way of the kill; after it they would only take the machine from what starts again.
        if (pauseMs > 0 || cameAfter) await setTimeout(PAUSE_MS);
      }
    };
    const callers = [caller(0), caller(0), caller(PAUSE_MS), caller(PAUSE_MS)];
    await vi.waitFor(() => expect(outcomes.length).toBeGreaterThan(20), { timeout: STARTED_MS });
    process.kill(killed, 'SIGKILL');
    await vi.waitFor(() => expect(pidsOf(served).get(1)).not.toBe(killed), { timeout: STARTED_MS });
    const since = outcomes.length;
    await vi.waitFor(() => expect(outcomes.length).toBeGreaterThan(since + 20), { timeout: STARTED_MS });
    asking = false;
    await Promise.all(callers);
    expect(pidsOf(served).get(2)).toBe(before.get(2));
    // While the system takes a killed process apart, its socket may still be given connections.
    const lost = outcomes.filter(({ answer }) => answer instanceof Error);
    expect(lost.filter(({ cameAfter }) => cameAfter)).toEqual([]);
    const answers = outcomes.flatMap(({ answer }) => (answer instanceof Error ? [] : [answer]));
    expect(new Set(answers)).toEqual(new Set(['{"data":{"put":"put"}}']));
  });

  it('lets a worker that is told to stop finish, and puts another in its place', async () => {
    const before = pidsOf(served).get(2) ?? 0;
    process.kill(before, 'SIGTERM');
    await vi.waitFor(() => expect(pidsOf(served).get(2)).not.toBe(before), { timeout: STARTED_MS });
    const ended = logOf(served).filter(
      ({ event, fields }) => event === 'worker ended' && fields.pid === before,
    );
    expect(ended).toMatchObject([{ fields: { code: 0, signal: null, served: true } }]);
  });

  it('does not start beside another on the same logs', async () => {
    const second = await portcullis(['serve', '--config', join(where.path, 'workers.yaml')]);
    expect(second).toEqual({
      ...{ code: 1, stdout: '', stderr: 'AUDIT_UNAVAILABLE: The audit log cannot be written.\n' },
    });
  });

  it('ends with status 0 when told to, and leaves a whole log of each worker', async () => {
    served.child.kill('SIGTERM');
    expect(await served.ended).toBe(0);
    const directory = join(where.path, 'audit');
    expect(readdirSync(directory).sort()).toEqual(['worker-1', 'worker-2']);
    const verified = await portcullis(['audit', 'verify', '-d', directory, '--json']);
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(verified.stdout)).toMatchObject({
      breaks: [],
      empty: [],
      open: false,
      firstSegment: 0,
    });
    const found = await portcullis(['audit', 'query', '-d', directory, '--json']);
    const ids = found.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).requestId);
    expect(ids.length).toBeGreaterThan(40);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('portcullis serve with workers that cannot', () => {
  const left: (() => void)[] = [];
  afterEach(() => {
    for (const clean of left.splice(0)) clean();
  });

  it('tells once why the first does not start, and ends with status 1', async () => {
    const where = folder();
    left.push(() => where.remove());
    const broken = { ...shop, sdl: 'type Query { broken: Nothing }' };
    const config = writeWorkers(where, [broken], { workers: 4 });
    const served = serve(config);
    expect(await served.ended).toBe(1);
    const { stdout, stderr } = served.output();
    expect(stdout).toBe('');
    expect(stderr.match(/Nothing/gu)).toHaveLength(1);
    expect(stderr).toMatch(/\nworker 1 ended before it served \(status 1\)\n$/u);
  });
});
