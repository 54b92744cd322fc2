import { describe, expect, it } from 'vitest';
import { configFolder, SUPERGRAPH } from './config-folder.ts';

const issuer = (entry: string) =>
  `${SUPERGRAPH}identity: { jwt: [{ issuer: i, audiences: [a], jwks: "https://i.example/k", ${entry} }] }`;
const keys = (jwks: string) =>
  `${SUPERGRAPH}identity: { jwt: [{ issuer: i, audiences: [a], jwks: "${jwks}" }] }`;
const header = (name: string) => `${SUPERGRAPH}subgraphs: { catalog: { forwardHeaders: ["${name}"] } }`;
const origin = (value: string) => `${SUPERGRAPH}listen: { cors: { origins: ["${value}"] } }`;

describe('unknown keys', () => {
  it.each([
    ['at the root', `${SUPERGRAPH}limit: {}`, '2:1: limit: unknown key; did you mean limits?'],
    [
      'in a section',
      `${SUPERGRAPH}limits:\n  detph: 3`,
      '3:3: limits.detph: unknown key; did you mean depth?',
    ],
    [
      'without its unit',
      `${SUPERGRAPH}subgraphs:\n  catalog:\n    timeout: 3`,
      '4:5: subgraphs.catalog.timeout: unknown key; did you mean timeoutMs?',
    ],
    [
      'in a section of a section',
      `${SUPERGRAPH}limits:\n  batching:\n    maximum: 3`,
      '4:5: limits.batching.maximum: unknown key; did you mean max?',
    ],
    [
      'in a list',
      'supergraph:\n  subgraphs:\n    - { name: a, uri: b }',
      '3:18: supergraph.subgraphs[0].uri: unknown key; did you mean url?',
    ],
    [
      'in the claims of an issuer',
      issuer('claims: { scope: s }'),
      'claims.scope: unknown key; did you mean scopes?',
    ],
    [
      'in the wrong section',
      `${SUPERGRAPH}port: 3`,
      '2:1: port: unknown key; did you mean listen.port or admin.port or telemetry.metrics.port?',
    ],
    [
      'like nothing',
      `${SUPERGRAPH}log: { zzzzzzzz: 1 }`,
      'log.zzzzzzzz: unknown key; the keys here are level',
    ],
  ])('are refused %s, with what was probably meant', async (_where, text, fault) => {
    expect((await configFolder().faults(text)).join('\n')).toContain(fault);
  });

  it('are printed without control characters and cut', async () => {
    const [fault] = await configFolder().faults(`${SUPERGRAPH}"\\e[31m${'k'.repeat(500)}": 1`);
    expect(fault).not.toContain('\u001b');
    expect(fault?.length).toBeLessThan(400);
  });
});

describe('wrong values', () => {
  it.each([
    ['text for a number', 'listen: { port: abc }', '2:17: listen.port: must be a number'],
    ['a quoted number', 'listen: { port: "4000" }', 'listen.port: must be a number'],
    ['a fraction', 'limits: { depth: 1.5 }', 'limits.depth: must be a whole number'],
    ['a negative count', 'limits: { aliases: -1 }', 'limits.aliases: must be at least 0'],
    ['a port above the range', 'listen: { port: 65536 }', 'listen.port: must be at most 65535'],
    ['a depth of none', 'limits: { depth: 0 }', 'limits.depth: must be at least 1'],
    ['a huge number', 'limits: { bodyBytes: 1e300 }', 'limits.bodyBytes: must be at most 104857600'],
    ['infinity', 'limits: { bodyBytes: .inf }', 'limits.bodyBytes: must be'],
    ['not a number', 'limits: { bodyBytes: .nan }', 'limits.bodyBytes: must be'],
    ['yes for true', 'limits: { warnOnly: yes }', 'limits.warnOnly: must be true or false'],
    ['a number for text', 'listen: { host: 1 }', 'listen.host: must be text'],
    ['a list for a section', 'limits: []', 'limits: must be a section'],
    ['text for a section', 'limits: none', 'limits: must be a section'],
    ['text for a list', 'authorization: { policies: a }', 'authorization.policies: must be a list'],
    ['a section without a value', 'limits:', 'limits: has no value'],
    ['an unknown choice', 'authorization: { mode: filtr }', 'must be one of filter, reject'],
    ['an engine there is not', 'execution: { engine: warp }', 'execution.engine: must be one of native'],
    ['an empty path', 'audit: { directory: "" }', 'audit.directory: must not be empty'],
    ['an endpoint without a slash', 'listen: { path: graphql }', 'listen.path: must start with /'],
    ['an endpoint with a pattern', 'listen: { path: "/:any*" }', 'listen.path: must start with /'],
    ['an endpoint over health checks', 'listen: { path: /health/x }', 'must not lie under /health'],
    ['an endpoint over the key set', 'listen: { path: /.well-known }', 'must not lie under /health'],
    ['a subgraph name with a space', 'subgraphs: { "a b": {} }', '2:14: subgraphs.a b: a subgraph name is'],
    ['no algorithm', 'identity: { jwt: [{ algorithms: [] }] }', 'algorithms: must have at least 1 entry'],
    ['an issuer without keys', 'identity: { jwt: [{ issuer: i }] }', 'jwt[0].jwks: is required'],
    ['half of TLS', 'listen: { tls: { certFile: ./supergraph.graphql } }', 'listen.tls.keyFile: is required'],
  ])('refuses %s', async (_what, text, fault) => {
    expect((await configFolder().faults(SUPERGRAPH + text)).join('\n')).toContain(fault);
  });

  it.each([
    ['listen: { port: 65535 }'],
    ['listen: { port: 0 }'],
    ['limits: { depth: 1, aliases: 0, bodyBytes: 104857600 }'],
    ['listen: { path: /healthy }'],
    ['assertion: { lifetimeSeconds: 10 }'],
    ['assertion: { lifetimeSeconds: 3600 }'],
  ])('accepts the bound itself: %s', async (text) => {
    expect(await configFolder().faults(SUPERGRAPH + text)).toEqual([]);
  });

  it.each([
    ['nothing', 'log: { level: info }', '1:1: supergraph: is required'],
    ['an empty file', '', '1:1: supergraph: is required'],
    ['only a comment', '# nothing yet\n', 'supergraph: is required'],
    ['a list', '[]', 'must be a section'],
    ['plain text', 'hello', 'must be a section'],
    ['neither source', 'supergraph: {}', '1:13: supergraph: needs exactly one of file and subgraphs'],
    ['no subgraph', 'supergraph: { subgraphs: [] }', 'supergraph.subgraphs: must have at least 1 entry'],
    [
      'both sources',
      'supergraph: { file: ./supergraph.graphql, subgraphs: [{ name: a, url: "http://a", schema: ./supergraph.graphql }] }',
      'supergraph: needs exactly one of file and subgraphs',
    ],
    [
      'one name twice',
      `supergraph:\n  subgraphs:\n${'    - { name: a, url: "http://a", schema: ./supergraph.graphql }\n'.repeat(2)}`,
      '4:15: supergraph.subgraphs[1].name: this subgraph name is already taken',
    ],
    [
      'settings for a subgraph it does not have',
      'supergraph: { subgraphs: [{ name: catalog, url: "http://a", schema: ./supergraph.graphql }] }\nsubgraphs:\n  catalogue: {}',
      '3:3: subgraphs.catalogue: supergraph.subgraphs has no such name; did you mean catalog?',
    ],
  ])('refuses a supergraph of %s', async (_what, text, fault) => {
    expect((await configFolder().faults(text)).join('\n')).toContain(fault);
  });
});

describe('issuers', () => {
  it.each(['HS256', 'HS384', 'HS512', 'none', 'NONE', 'A128KW', 'rs256', ''])(
    'refuses the algorithm %j',
    async (algorithm) => {
      const faults = await configFolder().faults(issuer(`algorithms: [RS256, "${algorithm}"]`));
      expect(faults).toHaveLength(1);
      expect(faults[0]).toContain('identity.jwt[0].algorithms[1]: must be one of RS256');
      expect(faults[0]).toContain('HMAC and none are never accepted');
    },
  );

  it.each([
    'http://issuer.example/jwks',
    'http://localhost.evil.example/jwks',
    'http://127.0.0.1.evil.example/jwks',
    'http://127.0.0.1@evil.example/jwks',
    'http://10.0.0.1/jwks',
    'http://idp.localhost/jwks',
    'http://0.0.0.0/jwks',
    'http://[::2]/jwks',
    'https://user:pass@issuer.example/jwks',
    'https://issuer.example/jwks#x',
    'ftp://issuer.example/jwks',
    'file:///etc/passwd',
    'https://',
  ])('refuses keys from %s', async (url) => {
    const faults = await configFolder().faults(keys(url));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain('identity.jwt[0].jwks: must');
    expect(faults[0]).not.toContain(url);
  });

  it.each([
    'https://issuer.example/jwks?v=1',
    'http://127.0.0.1:9/jwks',
    'http://127.9.9.9/jwks',
    'http://localhost/jwks',
    'http://[::1]:80/jwks',
  ])('accepts keys from %s', async (url) => {
    expect(await configFolder().faults(keys(url))).toEqual([]);
  });
});

describe('what crosses trust', () => {
  it.each([
    'Connection',
    'keep-alive',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Proxy-Authorization',
    'proxy-authenticate',
    'proxy-connection',
    'Host',
    'Content-Length',
    'content-type',
    'X-Portcullis-Assertion',
    'x-portcullis-',
    'a b',
    'a:b',
    'a\\r\\nb',
    '',
  ])('refuses to forward the header %j', async (name) => {
    const faults = await configFolder().faults(header(name));
    expect(faults.length).toBeGreaterThan(0);
    expect(faults[0]).toContain('subgraphs.catalog.forwardHeaders[0]:');
  });

  it.each(['Authorization', 'cookie', 'x-portcullis', 'traceparent'])(
    'forwards the header %s where it is named',
    async (name) => {
      expect(await configFolder().faults(header(name))).toEqual([]);
    },
  );

  it.each([
    '*',
    'null',
    'app.example.com',
    'https://app.example.com/',
    'https://*.example.com',
    'https://app.example.com/x',
    'https://APP.example.com',
    'https://app.example.com:443',
    'file://x',
  ])('refuses the origin %s', async (value) => {
    expect((await configFolder().faults(origin(value))).join()).toContain(
      'listen.cors.origins[0]: must be one',
    );
  });

  it.each(['https://app.example.com', 'http://localhost:3000'])('accepts the origin %s', async (value) => {
    expect(await configFolder().faults(origin(value))).toEqual([]);
  });

  it.each(['ftp://a', 'catalog:4001', '//a', 'http://u:p@a', 'http://u@a', 'http://a#b', '', 'unix:/run/a'])(
    'refuses the subgraph URL %j',
    async (url) => {
      const faults = await configFolder().faults(`${SUPERGRAPH}subgraphs: { catalog: { url: "${url}" } }`);
      expect(faults).toHaveLength(1);
      expect(faults[0]).toContain('subgraphs.catalog.url: must');
    },
  );
});

describe('many faults', () => {
  it('tell of budgets that nobody would hear of', async () => {
    const budgets = (more: string) =>
      `${SUPERGRAPH}subgraphs: { catalog: { budgetFields: [Mutation.chat]${more} } }`;
    const alone = await configFolder().faults(budgets(''));
    expect(alone).toEqual([expect.stringContaining('needs approvals.enforce')]);
    const approvals = `\napprovals: { enforce: true }\n`;
    const unseen = await configFolder().faults(budgets(', identity: tenant') + approvals);
    expect(unseen).toEqual([expect.stringContaining('needs identity: principal')]);
  });

  it('are told all at once, in the order of the file', async () => {
    const faults = await configFolder().faults(
      [
        'listen: { port: -1 }',
        'supergraph: { file: ./missing.graphql }',
        'limit: {}',
        'limits: { depth: x, height: 0 }',
        'limits: {}',
        'authorization: { policies: ["./none/*.cedar"] }',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder itself
        'log: { level: "${env:MISSING}" }',
      ].join('\n'),
    );
    expect(faults.map((fault) => fault.split(': ').slice(0, 2).join(' '))).toEqual([
      '1:17 listen.port',
      '2:21 supergraph.file',
      '3:1 limit',
      '5:1 this key is already given in the same mapping',
      '6:29 authorization.policies[0]',
      '7:15 log.level',
    ]);
  });

  it('are told up to a hundred, and counted beyond', async () => {
    const unknown = Array.from({ length: 150 }, (_, index) => `unknown${index}: 1`).join('\n');
    const faults = await configFolder().faults(SUPERGRAPH + unknown);
    expect(faults).toHaveLength(101);
    expect(faults.at(-1)).toContain('and 50 more faults');
  });
});
