import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import { settleIn } from '../../../src/commands/settle-in.ts';
import { readConfig } from '../../../src/config/config-source.ts';
import { startGateway } from '../../../src/gateway.ts';
import { announce } from '../gateways/announce.ts';
import { forkChild } from '../gateways/child.ts';
import { CALLER_AUDIENCE, CALLER_ISSUER } from '../load/caller.ts';
import type { AiSubgraphSetting } from './ai-subgraph-server.ts';

/** What the gateway is started with. */
export interface PortcullisAiSetting {
  readonly directory: string;
  readonly providerUrl: string;
  readonly callersJwks: string;
}

const PLENTY = { points: 1_000_000_000, perSeconds: 1 };
const KEY_ID = 'bench';
const SDL = new URL('../../../subgraphs/ai/schema.graphql', import.meta.url);

/** Gateway and subgraph, each a process of its own, this one the parent of the other: both are accounted. */
const { directory, providerUrl, callersJwks } = JSON.parse(process.argv[2] ?? '') as PortcullisAiSetting;
const { privateKey, publicKey } = await generateKeyPair('Ed25519', { extractable: true });
const keyFile = join(directory, 'assertion-key.json');
writeFileSync(keyFile, JSON.stringify({ ...(await exportJWK(privateKey)), kid: KEY_ID }));
const setting: AiSubgraphSetting = {
  providerUrl,
  jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: KEY_ID, alg: 'EdDSA', use: 'sig' }] },
};
const { ready } = await forkChild<{ readonly url: string }>({
  file: join(import.meta.dirname, 'ai-subgraph-server.ts'),
  args: [JSON.stringify(setting)],
  nodeArgs: ['--max-semi-space-size=64'],
  logFile: join(directory, 'ai-subgraph.log'),
});
const schema = join(directory, 'ai.graphql');
writeFileSync(schema, readFileSync(SDL));
const configFile = join(directory, 'portcullis-ai.json');
writeFileSync(
  configFile,
  JSON.stringify({
    listen: { port: 0 },
    supergraph: { subgraphs: [{ name: 'ai', url: ready.url, schema }] },
    identity: {
      anonymous: false,
      jwt: [
        {
          ...{
            issuer: CALLER_ISSUER,
            jwks: callersJwks,
            audiences: [CALLER_AUDIENCE],
            algorithms: ['ES256'],
          },
        },
      ],
    },
    assertion: { keyFile },
    subgraphs: {
      ai: {
        ...{ identity: 'principal', errors: 'passthrough', timeoutMs: 35_000, modelReports: true },
        allowedExtensions: ['code', 'retryable', 'retryAfterSeconds'],
      },
    },
    openai: { enabled: true },
    cost: { mode: 'measure' },
    rateLimits: {
      limits: [
        { name: 'callers', by: ['tenant', 'subject'], ...PLENTY },
        { name: 'tenants', by: ['tenant'], ...PLENTY },
      ],
      failures: { count: 100, perSeconds: 60 },
    },
    audit: { directory: join(directory, 'audit') },
    log: { level: 'warn' },
  }),
);
const gateway = await startGateway(await readConfig(configFile, process.env));
settleIn();
announce({ url: new URL('/v1/chat/completions', gateway.url).href });
