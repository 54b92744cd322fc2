import { deepStrictEqual } from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forkChild } from './gateways/child.ts';
import { type Contender, REFERENCE, type RunningContender, type Stage } from './gateways/contenders.ts';
import type { Origins } from './graph/subgraphs-server.ts';
import { composeBenchmark } from './graph/supergraph.ts';
import { requestBody, tagOf, type Workload } from './graph/workloads.ts';
import { createCaller } from './load/caller.ts';

const ANSWER_TIMEOUT_MS = 30_000;

/** Everything a run needs, started. */
export interface Performance {
  readonly running: ReadonlyMap<string, RunningContender>;
  /** Size of the answer by workload. Units: bytes. */
  readonly answerBytes: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** Starts the subgraphs and the gateways, and makes sure that all of them give the same answers. */
export async function setStage(
  contenders: readonly Contender[],
  workloads: readonly Workload[],
): Promise<Performance> {
  const opened = new AsyncDisposableStack();
  try {
    const directory = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
    opened.defer(() => rmSync(directory, { recursive: true, force: true }));
    const subgraphs = await forkChild<Origins>({
      file: join(import.meta.dirname, 'graph/subgraphs-server.ts'),
      logFile: join(directory, 'subgraphs.log'),
    });
    opened.defer(() => subgraphs.child.stop());
    const stage: Stage = {
      directory,
      plainSupergraph: join(directory, 'plain.graphql'),
      ruledSupergraph: join(directory, 'ruled.graphql'),
      caller: await createCaller(directory),
      plainOrigin: subgraphs.ready.plain,
    };
    writeFileSync(stage.plainSupergraph, composeBenchmark(subgraphs.ready.subgraphs, false));
    writeFileSync(stage.ruledSupergraph, composeBenchmark(subgraphs.ready.subgraphs, true));
    const running = new Map<string, RunningContender>();
    for (const contender of contenders) {
      const started = await contender.start(stage);
      opened.defer(() => started.child.stop());
      running.set(contender.name, started);
    }
    const answerBytes = await compareAnswers(running, workloads, stage);
    return { running, answerBytes, close: () => opened.disposeAsync() };
  } catch (fault) {
    await opened.disposeAsync();
    throw fault;
  }
}

/** Where a contender takes the requests of a workload: a plain proxy has one path for each. */
export function urlFor(contender: string, url: string, workload: Workload): string {
  return contender === 'nginx' ? new URL(workload.name, url).href : url;
}

async function compareAnswers(
  running: ReadonlyMap<string, RunningContender>,
  workloads: readonly Workload[],
  stage: Stage,
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const reference = running.get(REFERENCE);
  if (reference === undefined) throw new Error(`${REFERENCE} always takes part`);
  for (const workload of workloads) {
    const text = await answerOf(reference, reference.url, workload);
    const expected: unknown = JSON.parse(text);
    sizes.set(workload.name, Buffer.byteLength(text));
    await fetch(new URL(workload.name, stage.plainOrigin), { method: 'PUT', body: text });
    for (const [name, contender] of running) {
      const answer: unknown = JSON.parse(
        await answerOf(contender, urlFor(name, contender.url, workload), workload),
      );
      deepStrictEqual(answer, expected, `${name} answers the ${workload.name} operation differently`);
    }
  }
  return sizes;
}

async function answerOf(contender: RunningContender, url: string, workload: Workload): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...contender.headers },
    body: requestBody(workload, tagOf(0)),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  const text = await response.text();
  if (response.status !== 200 || text.includes('"errors"')) {
    throw new Error(
      `${url} answers the ${workload.name} operation with ${response.status}: ${text.slice(0, 500)}`,
    );
  }
  return text;
}
