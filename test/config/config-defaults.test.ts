import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { subgraphSettings } from '../../src/config/config.ts';
import { configFolder, SUPERGRAPH } from './config-folder.ts';

describe('defaults', () => {
  it('holds operations to the documented limits', async () => {
    const { limits } = await configFolder().read(SUPERGRAPH);
    expect(limits).toEqual({
      tokens: 10_000,
      depth: 20,
      height: 1000,
      aliases: 30,
      rootFields: 30,
      directives: 50,
      selections: 10_000,
      deferredParts: 0,
      bodyBytes: 1024 * 1024,
      warnOnly: false,
      introspection: 'permit',
      batching: { enabled: false, max: 10 },
    });
  });

  it('listens on this machine only, shares answers with no other origin and trusts no proxy', async () => {
    const { listen } = await configFolder().read(SUPERGRAPH);
    expect(listen).toMatchObject({
      host: '127.0.0.1',
      port: 4000,
      path: '/graphql',
      cors: { origins: [], credentials: false },
      trustProxy: false,
    });
    expect(listen).not.toHaveProperty('tls');
  });

  it('believes no issuer, enforces every rule, masks errors and refuses when the audit cannot be written', async () => {
    const config = await configFolder().read(SUPERGRAPH);
    expect(config.identity.jwt).toEqual([]);
    expect(config.authorization).toEqual({
      mode: 'filter',
      dryRun: false,
      hideUnauthorized: false,
      errors: 'errors',
      policies: [],
      unmask: {
        confidential: 'unmask:confidential',
        financial: 'unmask:financial',
        health: 'unmask:health',
        personal: 'unmask:personal',
        secret: 'unmask:secret',
      },
    });
    expect(config.audit.whenUnwritable).toBe('refuse');
    expect(subgraphSettings(config, 'any')).toEqual({
      timeoutMs: 10_000,
      pipelining: 1,
      errors: 'masked',
      allowedExtensions: ['code'],
      identity: 'principal',
      subscriptions: { protocol: 'sse' },
      ...{ forwardHeaders: [], modelReports: false },
    });
  });

  it('accepts asymmetric algorithms only and requires expiry for an issuer that says nothing of either', async () => {
    const folder = configFolder();
    const { identity } = await folder.read(
      `${SUPERGRAPH}identity: { jwt: [{ issuer: i, jwks: "https://i.example/jwks", audiences: [a] }] }`,
    );
    expect(identity.jwt).toEqual([
      {
        issuer: 'i',
        jwks: { url: 'https://i.example/jwks' },
        audiences: ['a'],
        algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
        clockToleranceSeconds: 60,
        requireExpiry: true,
        claims: { tenant: 'tenant', scopes: 'scope', application: 'client_id', roles: 'roles' },
      },
    ]);
  });
});

describe('the result', () => {
  it('is frozen at every depth and has no prototype where names come from outside', async () => {
    const config = await configFolder().read(
      `${SUPERGRAPH}subgraphs: { catalog: { forwardHeaders: [X-Trace] } }`,
    );
    const unfrozen = (value: unknown): boolean =>
      typeof value === 'object' &&
      value !== null &&
      (!Object.isFrozen(value) || Object.values(value).some(unfrozen));
    expect(unfrozen(config)).toBe(false);
    expect(Object.getPrototypeOf(config.subgraphs)).toBeNull();
    expect(subgraphSettings(config, 'toString').forwardHeaders).toEqual([]);
    expect(Object.isFrozen(subgraphSettings(config, 'other').allowedExtensions)).toBe(true);
  });

  it('makes paths absolute from the folder of the file and header names lower case', async () => {
    const folder = configFolder();
    const config = await folder.read(`${SUPERGRAPH}subgraphs: { catalog: { forwardHeaders: [X-Trace] } }`);
    expect(config.supergraph).toEqual({
      file: join(folder.path, 'supergraph.graphql'),
      watch: true,
      pollMs: 1000,
    });
    expect(config.audit.directory).toBe(join(folder.path, '.portcullis/audit'));
    expect(config.subgraphs['catalog']?.forwardHeaders).toEqual(['x-trace']);
  });

  it('reads JSON, tabs included', async () => {
    const config = await configFolder().read(
      '{\n\t"supergraph": {"file": "./supergraph.graphql"},\n\t"listen": {"port": 0, "path": "\\/api"}\n}\n',
    );
    expect(config.listen).toMatchObject({ port: 0, path: '/api' });
  });

  it('takes a list of subgraphs in place of a composed file', async () => {
    const folder = configFolder();
    const schema = folder.write('catalog.graphql', 'type Query { a: Int }');
    const { supergraph } = await folder.read(
      'supergraph: { subgraphs: [{ name: catalog, url: "http://127.0.0.1:4102/graphql", schema: ./catalog.graphql }] }',
    );
    expect(supergraph).toMatchObject({
      subgraphs: [{ name: 'catalog', url: 'http://127.0.0.1:4102/graphql', schema }],
    });
  });
});
