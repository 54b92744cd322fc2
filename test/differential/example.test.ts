import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Principal } from '../../src/identity/principal.ts';
import { ANONYMOUS } from '../../src/identity/principal.ts';
import { startAccounts } from '../../subgraphs/accounts/accounts-server.ts';
import { startCatalog } from '../../subgraphs/catalog/catalog-server.ts';
import type { RunningSubgraph } from '../../subgraphs/kit/subgraph-server.ts';
import { startOrders } from '../../subgraphs/orders/orders-server.ts';
import { readSchemaText } from '../subgraphs/support.ts';
import { generateOperation } from './kit/operation-generator.ts';
import { expectSameAnswer } from './kit/same-answer.ts';
import { fixedMinter, startTwoEngines, type TwoEngines } from './kit/two-engines.ts';

const IDS = ['acme-ada', 'acme-alan', 'globex-tony', 'acme', 'BK-001', 'BK-002', 'acme-1', '1'];
const GENERATED = 100;
/** An answer as long as this holds more than nulls. */
const TELLING_CHARACTERS = 60;
const SCOPES = [
  'accounts:read',
  'accounts:contact',
  'accounts:admin',
  'billing:read',
  'orders:read',
  'catalog:read',
];

const ada: Principal = Object.freeze({
  ...ANONYMOUS,
  kind: 'user',
  subject: 'acme-ada',
  tenant: 'acme',
  scopes: new Set(SCOPES),
});

describe('both engines on the example supergraph', () => {
  const started: RunningSubgraph[] = [];
  let engines: TwoEngines;
  let telling = 0;

  beforeAll(async () => {
    const { privateKey, publicKey } = await generateKeyPair('EdDSA');
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'EdDSA', use: 'sig' }] };
    const placement = { port: 0, trust: { jwks }, log: () => undefined };
    const served = await Promise.all(
      [
        ['accounts', startAccounts],
        ['catalog', startCatalog],
        ['orders', startOrders],
      ].map(async ([name, start]) => {
        const running = await (start as typeof startAccounts)(placement);
        started.push(running);
        return { name: String(name), url: running.url, sdl: readSchemaText(String(name)) };
      }),
    );
    engines = await startTwoEngines(served, {}, await fixedMinter(privateKey));
  });

  afterAll(async () => {
    await engines?.close();
    await Promise.all(started.map((each) => each.close()));
  });

  it.each(Array.from({ length: GENERATED }, (_, seed) => seed))(
    'give the same answer to the generated operation %i',
    async (seed) => {
      const { apiSchema } = engines.supergraph;
      const ask = { ...generateOperation(apiSchema, { seed, ids: IDS, depthMax: 5 }), principal: ada };
      const refused = engines.both(ask).then(
        () => null,
        (error: { code?: string }) => error.code ?? 'fault',
      );
      const code = await refused;
      // What breaks a constraint of the schema is refused before either engine.
      if (code !== null) {
        expect(code).toBe('BAD_USER_INPUT');
        return;
      }
      const { native, apollo } = await engines.both(ask);
      expectSameAnswer(native, apollo, { ask });
      if (JSON.stringify(native.data).length > TELLING_CHARACTERS) telling += 1;
    },
  );

  it('get real answers to most of them', () => {
    expect(telling).toBeGreaterThan(GENERATED / 4);
  });

  it.each([['orders:read'], ['accounts:read'], [...SCOPES]])(
    'give the same answers to a caller without %s',
    async (...without) => {
      for (let seed = 0; seed < 10; seed += 1) {
        const operation = generateOperation(engines.supergraph.apiSchema, { seed, ids: IDS, depthMax: 4 });
        const ask = { ...operation, principal: ada, without };
        const both = await engines.both(ask).catch(() => null);
        if (both !== null) expectSameAnswer(both.native, both.apollo, { ask });
      }
    },
  );
});
