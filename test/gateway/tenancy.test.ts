import { createClient } from 'graphql-sse';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ask, auditEvents, auditOf, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { json, startRawSubgraph, startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

const HEAD = `extend schema
  @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@composeDirective", "@requiresScopes"])
  @link(url: "https://portcullis.dev/security/v1.0", import: [
    { name: "@fromPrincipal", as: "@ours" }, { name: "@tenantScoped", as: "@owned" }
  ])
  @composeDirective(name: "@ours") @composeDirective(name: "@owned")
directive @ours(claim: security__PrincipalClaim!) on ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION
directive @owned(field: String! = "tenantId") on OBJECT
enum security__PrincipalClaim { TENANT SUBJECT APPLICATION }
`;
const DOCS = `${HEAD}
type Query {
  docs(tenant: ID! @ours(claim: TENANT), first: Int): [Doc]
  mine(filter: Filter): String
  public: String
}
input Filter { by: String! @ours(claim: SUBJECT) text: String }
type Doc @key(fields: "id") @owned(field: "owner") { id: ID! owner: String text: String }
`;
const EVENTS = `${HEAD}
type Query { none: String }
type Subscription { added: Doc }
type Doc @key(fields: "id") { id: ID! }
`;

/** Rows of both tenants to everybody: the argument it was given does not matter to it. */
const ROWS = ['acme', 'globex', 'acme'].map((owner, index) => ({
  id: `${owner}-${index}`,
  owner,
  text: owner,
}));

describe.each(['native', 'apollo'])('a gateway with the %s engine before a subgraph that leaks', (engine) => {
  let docs: TinySubgraph;
  let gateway: TestGateway;

  beforeAll(async () => {
    docs = await startTinySubgraph('docs', DOCS, {
      Query: {
        docs: () => ROWS,
        mine: (_: unknown, given: unknown) => JSON.stringify(given),
        public: () => 'public',
      },
      Doc: {
        __resolveReference: ({ id }: { id: string }) => ROWS.find((row) => row.id === id) ?? null,
      },
    });
    gateway = await startTestGateway([docs], {
      execution: { engine },
      subgraphs: { docs: { identity: 'none' } },
    });
  });

  afterAll(async () => {
    await gateway.close();
    await docs.close();
  });

  it('answers the caller’s own rows and marks the audit critical for the others', async () => {
    const token = await gateway.issuer.token();
    const answer = await ask(gateway.url, '{ docs { id text } public }', { token });
    expect(answer.status).toBe(200);
    expect(answer.body.data).toEqual({
      docs: [{ id: 'acme-0', text: 'acme' }, null, { id: 'acme-2', text: 'acme' }],
      public: 'public',
    });
    expect(answer.body.errors).toEqual([
      {
        message: 'An object was withheld.',
        path: ['docs', 1],
        extensions: { code: 'TENANT_ISOLATION', requestId: answer.requestId },
      },
    ]);
    expect(answer.text).not.toContain('globex');
    const event = await auditOf(gateway.where, answer.requestId);
    expect(event).toMatchObject({ severity: 'critical', foreignObjects: 1, code: null, status: 200 });
    expect(JSON.stringify(event)).not.toContain('globex');
  });

  it('leaves the audit as it is where nothing is withheld', async () => {
    const { requestId } = await ask(gateway.url, '{ public }');
    expect(await auditOf(gateway.where, requestId)).toMatchObject({ severity: 'normal', foreignObjects: 0 });
  });

  it('judges answers that callers of two tenants share each for itself', async () => {
    const [acme, globex] = await Promise.all([
      gateway.issuer.token(),
      gateway.issuer.token({ tenant: 'globex' }),
    ]);
    const query = '{ docs { text } }';
    const answers = await Promise.all(
      [acme, globex, acme, globex].map((token) => ask(gateway.url, query, { token })),
    );
    const own = { docs: [{ text: 'acme' }, null, { text: 'acme' }] };
    const other = { docs: [null, { text: 'globex' }, null] };
    expect(answers.map(({ body }) => body.data)).toEqual([own, other, own, other]);
  });

  it('fills in what the subgraph is to know of the caller', async () => {
    const token = await gateway.issuer.token();
    const text = 'query ($f: Filter) { docs(first: 1) { id } mine(filter: $f) }';
    docs.received.length = 0;
    const { body } = await ask(gateway.url, text, { token, variables: { f: { text: 'x' } } });
    expect(JSON.parse(String(body.data?.['mine']))).toEqual({ filter: { by: 'ada', text: 'x' } });
    expect(docs.received.at(-1)?.body.variables).toMatchObject({ __principal_TENANT_ID: 'acme' });
  });

  it.each([
    ['as a literal', '{ docs(tenant: "globex") { id } }', {}, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'under the reserved name',
      'query ($__principal_TENANT_ID: ID!) { docs(first: 1) { id } }',
      { __principal_TENANT_ID: 'globex' },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['inside a variable', 'query ($f: Filter) { mine(filter: $f) }', { f: { by: 'eve' } }, 'BAD_USER_INPUT'],
  ])('refuses a caller who sends it %s, and asks no subgraph', async (_, query, variables, code) => {
    const token = await gateway.issuer.token();
    docs.received.length = 0;
    const answer = await ask(gateway.url, query, { token, variables });
    expect(new Set(answer.codes)).toEqual(new Set([code]));
    expect(answer.body.data).toBeUndefined();
    expect(docs.received).toEqual([]);
  });

  it('answers 401 to a caller without credential, 403 to one without tenant, and asks no subgraph', async () => {
    docs.received.length = 0;
    const query = '{ docs { id } public }';
    const nobody = await ask(gateway.url, query);
    expect([nobody.status, nobody.codes]).toEqual([401, ['UNAUTHENTICATED']]);
    expect(nobody.headers.get('www-authenticate')).toBe('Bearer');
    const token = await gateway.issuer.token({ tenant: undefined });
    const homeless = await ask(gateway.url, query, { token });
    expect([homeless.status, homeless.codes]).toEqual([403, ['PRINCIPAL_CLAIM_MISSING']]);
    expect(docs.received).toEqual([]);
    expect(await auditOf(gateway.where, homeless.requestId)).toMatchObject({
      code: 'PRINCIPAL_CLAIM_MISSING',
      status: 403,
    });
  });

  it('shows none of it to introspection', async () => {
    const query =
      '{ __schema { types { name inputFields { name } fields { name args { name } } } directives { name } } }';
    const { text, status } = await ask(gateway.url, query, { token: await gateway.issuer.token() });
    expect(status).toBe(200);
    expect(text).toContain('"Filter"');
    expect(text).not.toMatch(/"(?:tenant|by|ours|owned)"|security__|__principal/);
  });
});

describe('a subscription to what belongs to tenants', () => {
  it('withholds events of another tenant, and its closing record counts them', async () => {
    const docs = await startTinySubgraph('docs', DOCS, {
      Doc: { __resolveReference: ({ id }: { id: string }) => ROWS.find((row) => row.id === id) ?? null },
    });
    const events = await startRawSubgraph('events', EVENTS, (call, response) => {
      if (!call.body.query.startsWith('subscription')) return json(response, { data: null });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const { id } of ROWS) {
        const body = { data: { added: { __typename: 'Doc', id } } };
        response.write(`event: next\ndata: ${JSON.stringify(body)}\n\n`);
      }
      response.end('event: complete\ndata:\n\n');
    });
    const gateway = await startTestGateway([docs, events], {});
    try {
      const client = createClient({
        url: gateway.url,
        retryAttempts: 0,
        headers: { authorization: `Bearer ${await gateway.issuer.token()}` },
      });
      const seen: unknown[] = [];
      for await (const event of client.iterate({ query: 'subscription { added { id text } }' }))
        seen.push(event);
      expect(seen).toMatchObject([
        { data: { added: { id: 'acme-0', text: 'acme' } } },
        { data: { added: null }, errors: [{ path: ['added'], extensions: { code: 'TENANT_ISOLATION' } }] },
        { data: { added: { id: 'acme-2', text: 'acme' } } },
      ]);
      expect(JSON.stringify(seen)).not.toContain('globex');
      const closing = await vi.waitFor(() => {
        const found = auditEvents(gateway.where).find((event) => event.events !== null);
        expect(found).toBeDefined();
        return found;
      });
      expect(closing).toMatchObject({ severity: 'critical', foreignObjects: 1, events: 3 });
      client.dispose();
    } finally {
      await gateway.close();
      await Promise.all([docs.close(), events.close()]);
    }
  });
});
