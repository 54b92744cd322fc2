import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ask,
  askBatch,
  auditOf,
  type Section,
  type Sections,
  send,
  startTestGateway,
  type TestGateway,
} from './gateway-kit.ts';
import { startItems, startReviews, type TinySubgraph } from './tiny-subgraph.ts';

let parts: TinySubgraph[];
beforeAll(async () => {
  parts = [await startItems(), await startReviews()];
});

/** One gateway for tests in a row that want the same configuration, beside the one that has nothing configured. */
const running = new Map<string, TestGateway>();
const UNCONFIGURED = JSON.stringify({});
afterAll(async () => {
  for (const gateway of running.values()) await gateway.close();
  await Promise.all(parts.map((part) => part.close()));
});

async function gatewayWith(sections: Sections = {}): Promise<TestGateway> {
  const key = JSON.stringify(sections);
  const known = running.get(key);
  if (known !== undefined) return known;
  // The next one takes over the threads of the one before, which is far less than starting some.
  for (const [other, gateway] of running) {
    if (other === UNCONFIGURED) continue;
    running.delete(other);
    await gateway.close();
  }
  const gateway = await startTestGateway(parts, sections);
  running.set(key, gateway);
  return gateway;
}

const received = () => parts.reduce((sum, part) => sum + part.received.length, 0);
const batching = (limits: Section = {}) => ({ limits: { batching: { enabled: true, max: 5 }, ...limits } });
const codesOf = (answers: readonly { readonly errors?: readonly { extensions: Section }[] }[]) =>
  answers.map(({ errors }) => errors?.[0]?.extensions['code'] ?? null);

describe('batches', () => {
  it('are refused unless config permits them', async () => {
    const { url } = await gatewayWith();
    const before = received();
    const answer = await askBatch(url, [{ query: '{ open }' }]);
    expect(answer.status).toBe(400);
    expect(codesOf(answer.answers)).toEqual(['BATCHING_NOT_ENABLED']);
    expect(received()).toBe(before);
  });

  it('are answered in order, each operation by itself', async () => {
    const { url } = await gatewayWith(batching());
    const { answers } = await askBatch(url, [
      { query: '{ items { name review } }' },
      { query: '{ no }' },
      { query: 'query($t: String) { echo(text: $t) }', variables: { t: 'third' } },
      { query: '{ secret open }' },
      { query: 'mutation { touch(text: "fifth") }' },
    ]);
    expect(answers.map(({ data }) => data)).toEqual([
      { items: expect.anything() },
      undefined,
      { echo: 'third' },
      { secret: null, open: 'open' },
      { touch: 'fifth' },
    ]);
  });

  it('may hold as many operations as config says and not one more', async () => {
    const { url } = await gatewayWith(batching());
    const operations = (count: number) => Array.from({ length: count }, () => ({ query: '{ open }' }));
    expect((await askBatch(url, operations(5))).answers).toHaveLength(5);
    const refused = await askBatch(url, operations(6));
    expect(refused.status).toBe(400);
    expect(codesOf(refused.answers)).toEqual(['BATCH_LIMIT_EXCEEDED']);
  });
});

describe('mutations by GET', () => {
  it('are refused, also where the document holds a query, and reach no subgraph', async () => {
    const { url } = await gatewayWith();
    const before = received();
    const documents = [
      ['mutation { touch }', ''],
      ['query A { open } mutation B { touch }', 'B'],
      ['mutation { ...F } fragment F on Mutation { touch }', ''],
    ] as const;
    for (const [query, operationName] of documents) {
      const search = new URLSearchParams({ query, operationName });
      const answer = await send(`${url}?${search}`, { headers: { 'apollo-require-preflight': 'yes' } });
      expect({ status: answer.status, codes: answer.codes }).toEqual({
        status: 405,
        codes: ['METHOD_NOT_ALLOWED'],
      });
    }
    expect(received()).toBe(before);
    const search = new URLSearchParams({ query: documents[1][0], operationName: 'A' });
    const answer = await send(`${url}?${search}`, { headers: { 'apollo-require-preflight': 'yes' } });
    expect(answer.body).toEqual({ data: { open: 'open' } });
  });
});

describe('introspection', () => {
  const ways = [
    '{ __schema { queryType { name } } }',
    '{ __type(name: "Item") { name } }',
    '{ ...F } fragment F on Query { a: __schema { queryType { name } } }',
    'query($no: Boolean = false) { open __schema @include(if: $no) { queryType { name } } }',
  ];

  it('is answered by the gateway itself where it is permitted', async () => {
    const { url } = await gatewayWith();
    const answer = await ask(url, getIntrospectionQuery());
    expect(answer.codes).toEqual([]);
    expect(answer.body.data).toMatchObject({ __schema: { queryType: { name: 'Query' } } });
    expect(answer.text).not.toMatch(/join__|link__|_entities|_service|requiresScopes/u);
  });

  it.each([
    ['deny', 403, 'INTROSPECTION_DISABLED', 'INTROSPECTION_DISABLED'],
    ['authenticated', 401, 'UNAUTHENTICATED', null],
  ] as const)(
    'is refused under %s however it is written',
    async (introspection, status, anonymous, known) => {
      const { url, issuer, where } = await gatewayWith({ limits: { introspection } });
      const token = await issuer.token();
      for (const query of ways) {
        const refused = await ask(url, query);
        expect({ status: refused.status, codes: refused.codes }).toEqual({ status, codes: [anonymous] });
        expect(refused.body).not.toHaveProperty('data');
        expect(await auditOf(where, refused.requestId)).toMatchObject({
          code: anonymous,
          decision: { effect: 'deny', reasons: [{ rule: 'introspection' }] },
        });
        expect((await ask(url, query, { token })).codes).toEqual(known === null ? [] : [known]);
      }
      expect((await ask(url, '{ __typename open }')).body).toEqual({
        data: { __typename: 'Query', open: 'open' },
      });
    },
  );
});

describe('the location of authorization errors', () => {
  const query = '{ open secret items { id price } }';
  const paths = [['secret'], ['items', '@', 'price']];
  const data = {
    open: 'open',
    secret: null,
    items: [
      { id: '1', price: null },
      { id: '2', price: null },
    ],
  };

  it('is errors by default', async () => {
    const { url } = await gatewayWith();
    const { body } = await ask(url, query);
    expect(body.data).toEqual(data);
    expect(body.errors?.map(({ path }) => path)).toEqual(paths);
    expect(body.extensions).toBeUndefined();
  });

  it('can be extensions', async () => {
    const { url } = await gatewayWith({ authorization: { errors: 'extensions' } });
    const { body } = await ask(url, query);
    expect(body.data).toEqual(data);
    expect(body.errors).toBeUndefined();
    expect(body.extensions?.authorizationErrors?.map(({ path }) => path)).toEqual(paths);
  });

  it('can be nowhere, and then stays in the audit', async () => {
    const { url, where } = await gatewayWith({ authorization: { errors: 'disabled' } });
    const answer = await ask(url, query);
    expect(answer.body).toEqual({ data });
    const event = await auditOf(where, answer.requestId);
    expect(event.decision.reasons.map(({ path }) => path)).toEqual(paths);
  });

  it.each(['errors', 'extensions', 'disabled'])(
    'is no data at all where all is removed, under %s',
    async (errors) => {
      const { url } = await gatewayWith({ authorization: { errors } });
      const before = received();
      const answer = await ask(url, '{ secret scoped }');
      expect({ status: answer.status, data: answer.body.data }).toEqual({ status: 200, data: null });
      expect(received()).toBe(before);
    },
  );
});

describe('a dry run', () => {
  it('removes nothing and reports what it would remove', async () => {
    const { url, where } = await gatewayWith({ authorization: { dryRun: true, mode: 'reject' } });
    const answer = await ask(url, '{ open secret }');
    expect(answer.status).toBe(200);
    expect(answer.body.data).toEqual({ open: 'open', secret: 'secret' });
    expect(answer.body.errors).toBeUndefined();
    expect(answer.body.extensions?.authorizationErrors).toMatchObject([{ path: ['secret'] }]);
    expect(await auditOf(where, answer.requestId)).toMatchObject({
      decision: { effect: 'permit', reasons: [{ coordinate: 'Query.secret' }] },
    });
  });
});

describe('limits', () => {
  const SMALL = { depth: 2, aliases: 1, rootFields: 3, directives: 1, selections: 12, height: 5 };
  const ids = (count: number) => `{ items { ${'id '.repeat(count)}} }`;

  it.each<[string, Section, string, string, string]>([
    ['depth', SMALL, '{ items { id } }', '{ __schema { queryType { name } } }', 'MAX_DEPTH_LIMIT'],
    ['aliases', SMALL, '{ a: open }', '{ a: open b: open }', 'MAX_ALIASES_LIMIT'],
    ['rootFields', SMALL, '{ open echo newest }', '{ open echo newest scoped }', 'MAX_ROOT_FIELDS_LIMIT'],
    [
      'directives',
      SMALL,
      '{ open @skip(if: false) }',
      '{ open @skip(if: false) @include(if: true) }',
      'MAX_DIRECTIVES_LIMIT',
    ],
    ['selections', SMALL, ids(11), ids(12), 'MAX_SELECTIONS_LIMIT'],
    [
      'height',
      SMALL,
      '{ items { id name review __typename } }',
      '{ open items { id name review __typename } }',
      'MAX_HEIGHT_LIMIT',
    ],
    ['tokens', { tokens: 4 }, '{ open echo }', '{ open echo newest }', 'MAX_TOKENS_LIMIT'],
  ])('of %s permit the bound and refuse what is above with 400, alone and as a batch', async (...bound) => {
    const [name, limits, permitted, refused, code] = bound;
    const { url } = await gatewayWith(batching(limits));
    expect((await ask(url, permitted)).codes).toEqual([]);
    const before = received();
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const answer = await ask(url, refused, { headers: { accept } });
      expect({ status: answer.status, codes: answer.codes }).toEqual({ status: 400, codes: [code] });
    }
    expect(received()).toBe(before);
    // A batch is held to the limit as a whole, except for depth, which is no sum.
    const { answers } = await askBatch(url, [{ query: permitted }, { query: permitted }]);
    expect(codesOf(answers)).toEqual([null, name === 'depth' ? null : code]);
  });

  it('that only warn refuse nothing', async () => {
    const { url } = await gatewayWith({
      limits: { warnOnly: true, depth: 1, aliases: 0, rootFields: 1, tokens: 1, selections: 1, height: 1 },
    });
    const answer = await ask(url, '{ a: open items { id } }');
    expect(answer.body.errors).toBeUndefined();
    expect(answer.body.data).toMatchObject({ a: 'open' });
  });
});

describe('callers without a credential', () => {
  it('are refused everywhere where config says so, also for what no rule protects', async () => {
    const { url, issuer } = await gatewayWith({ identity: { anonymous: false } });
    for (const query of ['{ open }', '{ __typename }', 'mutation { touch }', '{']) {
      const answer = await ask(url, query);
      expect({ status: answer.status, codes: answer.codes }).toEqual({
        status: 401,
        codes: ['UNAUTHENTICATED'],
      });
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/u);
    }
    expect((await ask(url, '{ open }', { token: await issuer.token() })).body).toEqual({
      data: { open: 'open' },
    });
  });
});
