import { buildClientSchema, getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from './gateway-kit.ts';

const SDL = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@requiresScopes"])
  type Query {
    open: String node: Node item(filter: Filter): String
    vault: Vault
    audit(id: ID!): String @requiresScopes(scopes: [["admin"]])
    ranked(rank: Rank!): String
  }
  interface Node { id: ID! }
  type Thing implements Node { id: ID! }
  type Vault implements Node @requiresScopes(scopes: [["admin"]]) { id: ID! gold: Int }
  enum Rank @requiresScopes(scopes: [["admin"]]) { HIGH LOW }
  input Filter { text: String rank: Rank }
`;
const PARTS = [{ name: 'a', url: 'http://127.0.0.1:9/graphql', sdl: SDL }];

interface Told {
  readonly status: number;
  readonly body: string;
  readonly json: {
    readonly data?: Record<string, never>;
    readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[];
  };
}

/** Asks as a caller with the given scopes; null asks without a credential. Request ids are taken out of the bytes. */
async function ask(gateway: TestGateway, scope: string | null, query: string, variables = {}): Promise<Told> {
  const token = scope === null ? null : await gateway.issuer.token({ scope });
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text.replaceAll(/"requestId":"[^"]*"/gu, ''),
    json: JSON.parse(text),
  };
}

const HIDDEN = /Vault|vault|gold|audit|Rank|rank|HIGH/u;
const gateways: TestGateway[] = [];
let plain: TestGateway;
let hiding: TestGateway;
const start = async (authorization: Record<string, unknown>, sdl = SDL) => {
  const gateway = await startTestGateway([{ ...(PARTS[0] as (typeof PARTS)[0]), sdl }], { authorization });
  gateways.push(gateway);
  return gateway;
};

beforeAll(async () => {
  plain = await start({});
  hiding = await start({ hideUnauthorized: true });
});
afterAll(async () => {
  for (const gateway of gateways) await gateway.close();
});

describe('introspection', () => {
  it.each([null, 'other'])(
    'shows a caller with scope %s nothing that they lack, and still builds',
    async (scope) => {
      const { body, json } = await ask(plain, scope, getIntrospectionQuery());
      expect(body).not.toMatch(HIDDEN);
      expect(buildClientSchema(json.data as never).getType('Thing')).toBeDefined();
    },
  );

  it('shows all to who may use all, before and after others asked the same text', async () => {
    const text = '{ __schema { types { name } } }';
    const [first, lacking, again] = [
      await ask(plain, 'admin', text),
      await ask(plain, null, text),
      await ask(plain, 'admin', text),
    ];
    expect(first.body).toContain('Vault');
    expect(again.body).toBe(first.body);
    expect(lacking.body).not.toContain('Vault');
  });

  it('answers null for a hidden type by name, and leaves it out of possible types', async () => {
    const text =
      'query ($n: String!) { __type(name: $n) { name } node: __type(name: "Node") { possibleTypes { name } } }';
    const { json } = await ask(plain, null, text, { n: 'Vault' });
    expect(json.data).toEqual({ __type: null, node: { possibleTypes: [{ name: 'Thing' }] } });
    expect((await ask(plain, 'admin', text, { n: 'Vault' })).json.data).toMatchObject({
      __type: { name: 'Vault' },
    });
  });

  it('is refused with a code of its own where nothing is visible', async () => {
    const sdl = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@requiresScopes"])
      type Query { only: String @requiresScopes(scopes: [["admin"]]) }`;
    const { status, json } = await ask(await start({}, sdl), null, '{ __schema { queryType { name } } }');
    expect([status, json.errors?.[0]?.extensions.code]).toEqual([403, 'VIEW_EMPTY']);
  });

  it('shows everything under a dry run', async () => {
    const { body } = await ask(await start({ dryRun: true }), null, '{ __schema { types { name } } }');
    expect(body).toContain('Vault');
  });
});

describe('validation messages', () => {
  const text = '{ vault { nothing } ranked(rank: 1) }';
  it.each([[['admin', null]], [[null, 'admin']]] as const)(
    'tell callers %s apart who send the same text',
    async (order) => {
      const said = new Map<string | null, string>();
      const document = `${text} # ${String(order[0])}`;
      for (const scope of order) said.set(scope, (await ask(plain, scope, document)).body);
      expect(said.get('admin')).toContain('on type \\"Vault\\"');
      expect(said.get(null)).toContain('Cannot query field \\"vault\\" on type \\"Query\\"');
      expect(said.get(null)).not.toContain('Vault');
    },
  );

  it('leave an operation that fits the whole schema to authorization', async () => {
    const { json } = await ask(plain, null, '{ audit(id: 1) }');
    expect(json.errors?.[0]?.extensions.code).toBe('UNAUTHORIZED_FIELD_OR_TYPE');
  });
});

describe('where what is unauthorized is hidden', () => {
  it.each([
    ['a field', '{ audit }', '{ other }'],
    ['a field that is switched off', '{ open audit @skip(if: true) }', '{ open other @skip(if: true) }'],
    ['a field with arguments', '{ audit(id: 1) }', '{ other(id: 1) }'],
    ['a field of a hidden type', '{ vault { gold } }', '{ other { gold } }'],
    ['a fragment', '{ node { ... on Vault { gold } } }', '{ node { ... on Other { gold } } }'],
    [
      'a named fragment',
      '{ node { ...F } } fragment F on Vault { id }',
      '{ node { ...F } } fragment F on Other { id }',
    ],
    ['an input field', '{ item(filter: { rank: HIGH }) }', '{ item(filter: { other: HIGH }) }'],
    ['an input field of null', '{ item(filter: { rank: null }) }', '{ item(filter: { other: null }) }'],
    ['a field that needs a hidden type', '{ ranked(rank: HIGH) }', '{ other(rank: HIGH) }'],
    [
      'a type of a variable',
      'query ($v: Rank!) { ranked(rank: $v) }',
      'query ($v: Other!) { other(rank: $v) }',
    ],
  ])('answers %s with the bytes of what does not exist', async (_what, hidden, missing) => {
    const names = /vault|Vault|audit|ranked|rank|Rank|[oO]ther/gu;
    const plainly = ({ status, body }: Told) =>
      `${status} ${body.replaceAll(names, 'X').replaceAll(/"column":\d+/gu, '')}`;
    const [one, other] = [await ask(hiding, null, hidden), await ask(hiding, null, missing)];
    expect(plainly(one)).toBe(plainly(other));
    expect(one.json.errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  it('answers an input field inside a variable as one that does not exist', async () => {
    const text = 'query ($f: Filter) { item(filter: $f) }';
    const [one, other] = [
      await ask(hiding, null, text, { f: { rank: 'HIGH' } }),
      await ask(hiding, null, text, { f: { other: 'HIGH' } }),
    ];
    expect(one.body).toBe(other.body);
    expect(one.json.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });

  it('lets pass who holds what is asked, after another was refused the same text', async () => {
    const text = '{ audit(id: 2) }';
    expect((await ask(hiding, null, text)).json.errors?.[0]?.extensions.code).toBe(
      'GRAPHQL_VALIDATION_FAILED',
    );
    expect((await ask(hiding, 'admin', text)).json.data).toEqual({ audit: null });
    expect((await ask(hiding, null, text)).json.errors?.[0]?.extensions.code).toBe(
      'GRAPHQL_VALIDATION_FAILED',
    );
  });
});
