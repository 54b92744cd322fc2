import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { Defer20220824Handler } from '@apollo/client/incremental';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ask, auditEvents, auditOf, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { federated, json, startRawSubgraph, startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

const ACCEPT = 'multipart/mixed;deferSpec=20220824';
const QUERY = '{ person { id ... @defer(label: "slow") { bank secret } } }';

/** Holds what the bank answers back until the test lets it go. */
let release: () => void = () => undefined;
let isHeld = false;
let people: TinySubgraph;
let bank: TinySubgraph;
let gateway: TestGateway;

beforeAll(async () => {
  people = await startTinySubgraph(
    'people',
    federated('type Query { person: Person people: [Person!]! } type Person @key(fields: "id") { id: ID! }'),
    { Query: { person: () => ({ id: '1' }), people: () => [{ id: '1' }, { id: '2' }] } },
  );
  bank = await startRawSubgraph(
    'bank',
    federated(
      'type Person @key(fields: "id") { id: ID! bank: String! secret: String @authenticated } type Mutation { pay: Int }',
    ),
    async ({ body }, response) => {
      if (isHeld) await new Promise<void>((resolve) => (release = resolve));
      const { representations = [] } = (body.variables ?? {}) as { representations?: { id: string }[] };
      json(response, {
        data: {
          _entities: representations.map(({ id }) => ({ bank: id === '2' ? null : 'b1', secret: 's' })),
        },
      });
    },
  );
  gateway = await startTestGateway([people, bank], {
    identity: { anonymous: true },
    limits: { deferredParts: 3 },
  });
});
afterAll(async () => {
  await gateway?.close();
  await Promise.all([people?.close(), bank?.close()]);
});

interface Part {
  readonly data?: unknown;
  readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
  readonly incremental?: readonly Record<string, unknown>[];
  readonly hasNext: boolean;
}

/** Reads an answer in parts as they come; each is told to `onPart` at once. */
async function parts(query: string, token?: string, onPart: (part: Part) => void = () => undefined) {
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: {
      ...{ accept: ACCEPT, 'content-type': 'application/json' },
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query }),
  });
  const found: Part[] = [];
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    const pieces = text.split('--graphql').slice(1, -1);
    for (const piece of pieces.slice(found.length)) {
      const part = JSON.parse(piece.slice(piece.indexOf('{'))) as Part;
      found.push(part);
      onPart(part);
    }
  }
  return { found, type: response.headers.get('content-type'), id: response.headers.get('x-request-id') };
}

describe('an operation with @defer', () => {
  it('is answered first without what is deferred, then with it, and leaves one audit event', async () => {
    isHeld = true;
    const token = await gateway.issuer.token();
    const { found, type, id } = await parts(QUERY, token, ({ hasNext }) => {
      // The first part came although the bank has answered nothing yet.
      if (!hasNext) return;
      isHeld = false;
      release();
    });
    expect(type).toBe('multipart/mixed;boundary="graphql";deferSpec=20220824');
    expect(found).toEqual([
      { data: { person: { id: '1' } }, hasNext: true },
      {
        incremental: [{ label: 'slow', path: ['person'], data: { bank: 'b1', secret: 's' } }],
        hasNext: false,
      },
    ]);
    await vi.waitFor(() => {
      const events = auditEvents(gateway.where).filter(({ requestId }) => requestId === id);
      expect(events.map(({ status, fetches }) => [status, fetches.length])).toEqual([[200, 2]]);
    });
  });

  it('shows nobody in a part what an answer would not', async () => {
    const { found } = await parts(QUERY);
    expect(JSON.stringify(found)).not.toContain('"s"');
    expect(found[0]?.errors?.map(({ extensions }) => extensions.code)).toEqual([
      'UNAUTHORIZED_FIELD_OR_TYPE',
    ]);
  });

  it('loses no more than the part where a value is missing', async () => {
    const { found } = await parts('{ people { id ... @defer { bank } } }');
    const [, { incremental = [] } = { incremental: [] }] = found;
    expect(found[0]?.data).toEqual({ people: [{ id: '1' }, { id: '2' }] });
    expect(incremental.map(({ path, data }) => [path, data])).toEqual([
      [['people', 0], { bank: 'b1' }],
      [['people', 1], null],
    ]);
  });

  it.each([
    ['by its default', undefined, true],
    ['not where it is false', { late: false }, false],
    ['not where it is null', { late: null }, false],
  ])('is deferred as its variable says, %s', async (_what, variables, isDeferred) => {
    const query =
      'query ($late: Boolean = true) { person { id ... @defer(if: $late) { ... @include(if: true) { bank } } } }';
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: { accept: `${ACCEPT}, application/json`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const text = await response.text();
    expect(text.includes('"incremental"')).toBe(isDeferred);
    expect(text.includes('{"data":{"person":{"id":"1","bank":"b1"}}}')).toBe(!isDeferred);
  });

  it('whose client leaves before the last part leaves one audit event', async () => {
    isHeld = true;
    const leaving = new AbortController();
    const response = await fetch(gateway.url, {
      ...{ method: 'POST', signal: leaving.signal },
      headers: { accept: ACCEPT, 'content-type': 'application/json' },
      body: JSON.stringify({ query: QUERY }),
    });
    await response.body?.getReader().read();
    leaving.abort();
    const event = await auditOf(gateway.where, response.headers.get('x-request-id') ?? '');
    expect(event).toMatchObject({ code: 'REQUEST_ABORTED', operation: { type: 'query' } });
    isHeld = false;
    release();
  });

  it.each([
    ['whose client takes no parts', QUERY, {}, 'DEFER_BAD_HEADER'],
    [
      'with more parts than the limit',
      `{ ${'... @defer { person { id } } '.repeat(4)} }`,
      { accept: ACCEPT },
      'MAX_DEFERRED_PARTS_LIMIT',
    ],
    [
      'on the root of a mutation',
      'mutation { ... @defer { pay } }',
      { accept: ACCEPT },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'with a label twice',
      '{ ... @defer(label: "a") { person { id } } ... @defer(label: "a") { person { id } } }',
      { accept: ACCEPT },
      'GRAPHQL_VALIDATION_FAILED',
    ],
  ])('%s is refused', async (_, query, headers, code) => {
    expect((await ask(gateway.url, query, { headers })).codes).toEqual([code]);
  });

  it('that defers nothing is answered whole', async () => {
    const answer = await ask(gateway.url, '{ person { id ... @defer(if: false) { bank } } }');
    expect(answer.body).toEqual({ data: { person: { id: '1', bank: 'b1' } } });
  });

  it('is understood by Apollo Client', async () => {
    const client = new ApolloClient({
      cache: new InMemoryCache(),
      incrementalHandler: new Defer20220824Handler(),
      link: new HttpLink({ uri: gateway.url }),
    });
    const { data } = await client.query({ query: gql('{ person { id ... @defer { bank } } }') });
    expect(data).toMatchObject({ person: { id: '1', bank: 'b1' } });
    client.stop();
  });
});
