import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JSONWebKeySet } from 'jose';
import { readConfig } from '../src/config/config-source.ts';
import type { ControlPlane } from '../src/control/control-plane.ts';
import { startGateway } from '../src/gateway.ts';
import { startAccounts } from '../subgraphs/accounts/accounts-server.ts';
import { startAi } from '../subgraphs/ai/ai-server.ts';
import { startCatalog } from '../subgraphs/catalog/catalog-server.ts';
import type { SubgraphPlacement } from '../subgraphs/kit/subgraph-server.ts';
import { startOrders } from '../subgraphs/orders/orders-server.ts';
import { seedControl } from './demo-approvals.ts';
import { DEMO_BUDGET, modelsInEffect, seedModels } from './demo-budget.ts';
import { createDemoIssuer, type DemoIssuer } from './demo-issuer.ts';

/** The whole example: four subgraphs, an issuer, and the gateway in front. */
export interface DemoSystem {
  readonly url: string;
  readonly auditDirectory: string;
  readonly issuer: DemoIssuer;
  readonly control: ControlPlane;
  close(): Promise<void>;
}

const CONFIG = join(import.meta.dirname, 'portcullis.yaml');

/** Starts everything under one directory for state; what was started is stopped in reverse, also when a part fails. */
export async function startDemo(options: {
  readonly directory: string;
  readonly port?: number;
}): Promise<DemoSystem> {
  const started = new AsyncDisposableStack();
  try {
    const { directory } = options;
    const issuer = await createDemoIssuer(directory);
    const assertionKey = join(directory, 'assertion-key.json');
    const placement: SubgraphPlacement = { port: 0, trust: { jwks: await createAssertionKey(assertionKey) } };
    const accounts = started.adopt(await startAccounts(placement), (subgraph) => subgraph.close());
    const catalog = started.adopt(await startCatalog(placement), (subgraph) => subgraph.close());
    const orders = started.adopt(await startOrders(placement), (subgraph) => subgraph.close());
    const ai = started.adopt(await startAi({ ...placement, budget: DEMO_BUDGET }), (subgraph) =>
      subgraph.close(),
    );
    const auditDirectory = join(directory, 'audit');
    const config = await readConfig(CONFIG, {
      ACCOUNTS_URL: accounts.url,
      CATALOG_URL: catalog.url,
      ORDERS_URL: orders.url,
      AI_URL: ai.url,
      DEMO_JWKS: issuer.jwksFile,
      DEMO_ASSERTION_KEY: assertionKey,
      DEMO_AUDIT: auditDirectory,
      DEMO_DATABASE: `pglite://${join(directory, 'db')}`,
    });
    const gateway = started.adopt(
      await startGateway(config, options.port === undefined ? {} : { port: options.port }),
      (running) => running.close(),
    );
    if (gateway.control === null) throw new Error('the demo has no control plane');
    await seedControl(gateway.control);
    await seedModels(gateway.control);
    await modelsInEffect({ url: gateway.url, issuer });
    const { url, control } = gateway;
    return { url, auditDirectory, issuer, control, close: () => started.disposeAsync() };
  } catch (fault) {
    await started.disposeAsync();
    throw fault;
  }
}

/** Writes the gateway's private key and returns what the subgraphs verify it with. */
async function createAssertionKey(path: string): Promise<JSONWebKeySet> {
  const { privateKey, publicKey } = await generateKeyPair('Ed25519', { extractable: true });
  const kid = 'demo-gateway';
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, JSON.stringify({ ...(await exportJWK(privateKey)), kid }), { mode: 0o600 });
  return { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' }] };
}
