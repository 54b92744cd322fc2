import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../src/config/config-source.ts';
import { startGateway } from '../../src/gateway.ts';
import { ask, auditEvents, auditOf, folder, send, writeConfig } from './gateway-kit.ts';
import { serve } from './serve-kit.ts';
import { json, startRawSubgraph } from './tiny-subgraph.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

/** A subgraph that answers only when the test says so, and the configuration of a gateway in front of it. */
async function held(shutdownTimeoutMs: number) {
  const waiting: ServerResponse[] = [];
  const subgraph = await startRawSubgraph('slow', 'type Query { slow: String }', (_call, response) => {
    waiting.push(response);
  });
  const where = folder();
  cleanups.push(
    () => where.remove(),
    () => subgraph.close(),
  );
  return { where, waiting, config: writeConfig(where, [subgraph], { listen: { shutdownTimeoutMs } }) };
}

describe('portcullis serve, told to stop', () => {
  it('finishes what runs, refuses what is new, and ends with status 0', async () => {
    const { where, config, waiting } = await held(5000);
    const served = serve(config);
    cleanups.push(() => served.stop());
    const url = await served.url;
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
});

describe('a gateway that closes', () => {
  it('cuts what does not finish in time, audits it, and ends all the same', async () => {
    const { where, config, waiting } = await held(200);
    const gateway = await startGateway(await readConfig(config, {}));
    cleanups.push(() => gateway.close());
    const running = ask(gateway.url, 'query Endless { slow }').catch((fault: unknown) => fault);
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    await gateway.close();
    expect(await running).toBeInstanceOf(Error);
    const events = auditEvents(where).filter(({ operation }) => operation?.name === 'Endless');
    expect(events).toMatchObject([{ code: 'REQUEST_ABORTED', status: 499 }]);
  });
});
