import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, forkChild, freePort, spawnChild } from '../gateways/child.ts';
import { createCallerIssuer } from '../load/caller.ts';
import type { PortcullisAiSetting } from './portcullis-ai.ts';

/** A way to the provider, running. */
export interface Way {
  readonly name: string;
  readonly about: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly model: string;
  /** Whether every question is another one. */
  readonly distinct: boolean;
  /** Null for the provider itself, whose time is nobody's overhead. */
  readonly child: Child | null;
}

/** What all ratios are told against. */
export const REFERENCE = 'portcullis';
export const DIRECT = 'direct';
export const PEER = 'portkey';

const PORTKEY = join(import.meta.dirname, '../peers/node_modules/@portkey-ai/gateway/build/start-server.js');

/** Starts the provider and every way to it; `missing` is told who cannot take part. */
export async function startWays(
  directory: string,
  opened: AsyncDisposableStack,
  missing: (reason: string) => void,
): Promise<readonly Way[]> {
  const provider = await forkChild<{ readonly url: string }>({
    file: join(import.meta.dirname, 'provider-server.ts'),
    logFile: join(directory, 'provider.log'),
  });
  opened.defer(() => provider.child.stop());
  const providerUrl = provider.ready.url;
  const direct: Way = {
    ...{ name: DIRECT, about: 'the provider itself', distinct: true, child: null, model: 'model-1' },
    ...{ url: `${providerUrl}/chat/completions`, headers: { authorization: 'Bearer sk-bench' } },
  };
  const ours = await startPortcullis(directory, providerUrl);
  opened.defer(() => ours.child.stop());
  const portkey = await startPortkey(directory, providerUrl);
  if (portkey === null) missing(`without ${PEER}: run \`npm ci\` in test/bench/peers`);
  else opened.defer(() => portkey.child?.stop());
  return [
    { ...ours, name: REFERENCE, about: 'gateway and subgraph, everything on', distinct: true },
    { ...ours, name: 'portcullis-kept', about: 'the same, where the answer is kept', distinct: false },
    ...(portkey === null ? [] : [portkey]),
    direct,
  ];
}

async function startPortcullis(directory: string, providerUrl: string) {
  const issuer = await createCallerIssuer(directory);
  const setting: PortcullisAiSetting = { directory, providerUrl, callersJwks: issuer.jwksFile };
  const { child, ready } = await forkChild<{ readonly url: string }>({
    file: join(import.meta.dirname, 'portcullis-ai.ts'),
    args: [JSON.stringify(setting)],
    nodeArgs: ['--max-semi-space-size=64'],
    logFile: join(directory, 'portcullis.log'),
  });
  const authorization = `Bearer ${await issuer.token('acme', ['ai:chat'])}`;
  return { child, url: ready.url, headers: { authorization }, model: 'best' };
}

async function startPortkey(directory: string, providerUrl: string): Promise<Way | null> {
  if (!existsSync(PORTKEY)) return null;
  const port = await freePort();
  const child = await spawnChild({
    command: process.execPath,
    args: [PORTKEY, `--port=${port}`, '--headless'],
    readyUrl: `http://127.0.0.1:${port}/`,
    logFile: join(directory, 'portkey.log'),
  });
  return {
    ...{ name: PEER, about: '@portkey-ai/gateway, defaults', model: 'model-1', distinct: true, child },
    url: `http://127.0.0.1:${port}/v1/chat/completions`,
    headers: {
      authorization: 'Bearer sk-bench',
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': providerUrl,
    },
  };
}
