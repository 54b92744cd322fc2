import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ask, auditEvents, auditOf, folder, send, writeConfig } from './gateway-kit.ts';
import { type Served, serve } from './serve-kit.ts';
import { json, startRawSubgraph } from './tiny-subgraph.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

/** A gateway in front of a subgraph that answers only when the test says so. */
async function held(shutdownTimeoutMs = 5000) {
  const waiting: ServerResponse[] = [];
  const subgraph = await startRawSubgraph('slow', 'type Query { slow: String }', (_call, response) => {
    waiting.push(response);
  });
  const where = folder();
  const config = writeConfig(where, [subgraph], { listen: { shutdownTimeoutMs } });
  const served: Served = serve(config);
  cleanups.push(
    () => where.remove(),
    () => subgraph.close(),
    () => served.stop(),
  );
  return { where, served, url: await served.url, waiting };
}

describe('portcullis serve, told to stop', () => {
  it('finishes what runs, refuses what is new, and ends with status 0', async () => {
    const { where, served, url, waiting } = await held();
    expect(served.output().stdout).toMatch(/^listening on http:\/\/127\.0\.0\.1:[1-9]\d*\/graphql\n$/u);
    // A connection that is already open when the signal comes is where a new request can still arrive.
    await send(new URL('/health/ready', url).href);
    const running = ask(url, '{ slow }');
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    served.child.kill('SIGTERM');
    const late = await vi.waitFor(
      async () => {
        const outcome = await ask(url, '{ __typename }').then(
          ({ codes }) => codes[0],
          () => 'refused connection',
        );
        expect(['SHUTTING_DOWN', 'refused connection']).toContain(outcome);
        return outcome;
      },
      { timeout: 3000 },
    );
    expect(late).toBeDefined();
    const [response] = waiting;
    if (response !== undefined) json(response, { data: { slow: 'done' } });
    const answer = await running;
    expect(answer.body).toEqual({ data: { slow: 'done' } });
    expect(await served.ended).toBe(0);
    expect(served.output().stderr).toBe('');
    expect(await auditOf(where, answer.requestId)).toMatchObject({ status: 200, code: null });
  });

  it('cuts what does not finish in time, audits it, and still ends with status 0', async () => {
    const { where, served, url, waiting } = await held(200);
    const running = ask(url, 'query Endless { slow }').catch((fault: unknown) => fault);
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    served.child.kill('SIGTERM');
    expect(await served.ended).toBe(0);
    expect(await running).toBeInstanceOf(Error);
    const events = auditEvents(where).filter(({ operation }) => operation?.name === 'Endless');
    expect(events).toMatchObject([{ code: 'REQUEST_ABORTED', status: 499 }]);
  });
});
