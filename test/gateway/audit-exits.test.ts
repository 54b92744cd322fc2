import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type Answer,
  ask,
  askBatch,
  auditEvents,
  auditOf,
  post,
  send,
  startTestGateway,
  type TestGateway,
} from './gateway-kit.ts';
import { json, startItems, startRawSubgraph, type TinySubgraph } from './tiny-subgraph.ts';

describe('every exit leaves exactly one audit event', () => {
  let items: TinySubgraph;
  let silent: TinySubgraph;
  let patient: TinySubgraph;
  let gateway: TestGateway;
  beforeAll(async () => {
    items = await startItems();
    silent = await startRawSubgraph('silent', 'type Query { never: String }', () => undefined);
    // What is not about time has all the time of a busy machine.
    patient = await startRawSubgraph(
      'patient',
      'type Query { waits: String dead: String }',
      (call, response) => {
        if (call.body.query.includes('dead')) json(response, 'no object', 500);
      },
    );
    gateway = await startTestGateway([items, silent, patient], {
      limits: { batching: { enabled: true }, bodyBytes: 4096, depth: 3 },
      subgraphs: { silent: { timeoutMs: 300 }, patient: { timeoutMs: 60_000 } },
    });
  });
  afterAll(async () => {
    await gateway?.close();
    await Promise.all([items?.close(), silent?.close(), patient?.close()]);
  });

  const event = (answer: Answer) => auditOf(gateway.where, answer.requestId);

  it('records a success with its coordinates and fetches', async () => {
    expect(await event(await ask(gateway.url, '{ open }'))).toMatchObject({
      status: 200,
      code: null,
      errors: 0,
      method: 'POST',
      operation: { type: 'query', coordinates: ['Query.open'] },
      decision: { effect: 'permit', reasons: [] },
      fetches: [{ subgraph: 'items', status: 200, errors: 0 }],
    });
  });

  it('records a filtered answer with what was removed and why', async () => {
    const answer = await ask(gateway.url, '{ open secret }');
    expect(answer.body.data).toEqual({ open: 'open', secret: null });
    expect(await event(answer)).toMatchObject({
      status: 200,
      code: null,
      errors: 1,
      decision: {
        effect: 'filter',
        reasons: [{ rule: 'authenticated', coordinate: 'Query.secret', path: ['secret'] }],
      },
    });
  });

  it('records a subgraph that fails', async () => {
    expect(await event(await ask(gateway.url, '{ dead open }'))).toMatchObject({
      status: 200,
      code: null,
      errors: 1,
      fetches: expect.arrayContaining([
        expect.objectContaining({ subgraph: 'patient', status: 500, errors: 1 }),
      ]),
    });
  });

  it('records a subgraph that does not answer in time', async () => {
    const answer = await ask(gateway.url, '{ never }');
    expect(answer.codes).toEqual(['SUBGRAPH_TIMEOUT']);
    expect(await event(answer)).toMatchObject({ status: 200, fetches: [{ subgraph: 'silent', errors: 1 }] });
  });

  const asText = { 'content-type': 'text/plain' };
  const asResponse = { accept: 'application/graphql-response+json' };
  const query = (text: string) => JSON.stringify({ query: text });

  it.each<[string, number, string, RequestInit]>([
    ['an unparsable document', 400, 'GRAPHQL_PARSE_FAILED', { body: query('{'), headers: asResponse }],
    ['an unparsable document in JSON', 200, 'GRAPHQL_PARSE_FAILED', { body: query('{') }],
    ['an unknown field', 400, 'GRAPHQL_VALIDATION_FAILED', { body: query('{ no }'), headers: asResponse }],
    ['no document', 400, 'BAD_REQUEST', { body: '{}' }],
    [
      'no such operation',
      200,
      'OPERATION_RESOLUTION_FAILURE',
      { body: query('query A { open } query B { open }') },
    ],
    [
      'a variable of another type',
      200,
      'BAD_USER_INPUT',
      {
        body: JSON.stringify({ query: 'query($t: String) { echo(text: $t) }', variables: { t: {} } }),
      },
    ],
    [
      'too deep an operation',
      400,
      'MAX_DEPTH_LIMIT',
      {
        body: query('{ __schema { types { fields { name } } } }'),
      },
    ],
    ['a subscription', 200, 'GRAPHQL_VALIDATION_FAILED', { body: query('subscription { open }') }],
    [
      'a token nobody signed',
      401,
      'UNAUTHENTICATED',
      {
        body: query('{ open }'),
        headers: { authorization: 'Bearer a.b.c' },
      },
    ],
    [
      'another scheme',
      401,
      'UNAUTHENTICATED',
      { body: query('{ open }'), headers: { authorization: 'Basic YTpi' } },
    ],
    ['malformed JSON', 400, 'BAD_REQUEST', { body: '{"query":' }],
    ['a body that is too large', 413, 'PAYLOAD_TOO_LARGE', { body: query(`{ open } ${'#'.repeat(5000)}`) }],
    [
      'an unsupported charset',
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      {
        body: query('{ open }'),
        headers: { 'content-type': 'application/json; charset=ebcdic' },
      },
    ],
    [
      'an unsupported coding',
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      {
        body: query('{ open }'),
        headers: { 'content-encoding': 'compress' },
      },
    ],
    [
      'a simple request of a foreign page',
      400,
      'CSRF_PREVENTED',
      { body: query('{ open }'), headers: asText },
    ],
    ['a method that is not served', 405, 'METHOD_NOT_ALLOWED', { method: 'PUT', body: query('{ open }') }],
    [
      'a media type that is not offered',
      406,
      'NOT_ACCEPTABLE',
      {
        body: query('{ open }'),
        headers: { accept: 'text/csv' },
      },
    ],
    [
      'a mutation refused by the edge of a batch',
      400,
      'BATCH_LIMIT_EXCEEDED',
      {
        body: JSON.stringify(Array.from({ length: 11 }, () => ({ query: '{ open }' }))),
      },
    ],
    ['an empty batch', 400, 'BAD_REQUEST', { body: '[]' }],
  ])('records %s', async (_what, status, code, init) => {
    const headers = { 'content-type': 'application/json', ...(init.headers as Record<string, string>) };
    const answer = await send(gateway.url, { method: 'POST', ...init, headers });
    expect({ status: answer.status, codes: answer.codes }).toEqual({ status, codes: [code] });
    expect(await event(answer)).toMatchObject({ status, code, decision: expect.anything(), fetches: [] });
    expect(answer.body.errors?.[0]?.extensions['requestId']).toBe(answer.requestId);
  });

  it('records requests of one operation that end together each with what it was answered', async () => {
    const bits = Array.from({ length: 11 }, (_, index) => index);
    const asked = bits.map(async (each) => {
      // No text, then one of each number of bits.
      const variables = { t: each === 0 ? null : 'x'.repeat(2 ** (each - 1)) };
      const body = JSON.stringify({ query: 'query Sized($t: String) { echo(text: $t) }', variables });
      return { each, answer: await post(gateway.url, body) };
    });
    for (const { each, answer } of await Promise.all(asked))
      expect((await event(answer)).counts).toEqual({
        ...{ resolved: [1], sizes: [each], sensitive: {} },
        exceptions: each === 0 ? [0, 1, 0, 0] : [],
      });
  });

  it('records a mutation sent by GET', async () => {
    const url = `${gateway.url}?query=${encodeURIComponent('mutation { touch }')}`;
    const answer = await send(url, { headers: { 'apollo-require-preflight': '1' } });
    expect({ status: answer.status, codes: answer.codes }).toEqual({
      status: 405,
      codes: ['METHOD_NOT_ALLOWED'],
    });
    expect(answer.headers.get('allow')).toBe('POST');
    expect(await event(answer)).toMatchObject({ status: 405, operation: { type: 'mutation' }, fetches: [] });
  });

  it('records an unknown path', async () => {
    const answer = await post(new URL('/elsewhere', gateway.url).href, query('{ open }'));
    expect({ status: answer.status, codes: answer.codes }).toEqual({ status: 404, codes: ['NOT_FOUND'] });
    expect(await event(answer)).toMatchObject({ status: 404, code: 'NOT_FOUND', operation: null });
  });

  it('records each operation of a batch by its own id', async () => {
    const batch = await askBatch(gateway.url, [
      { query: '{ open }' },
      { query: '{ no }' },
      { query: '{ secret }' },
    ]);
    expect(batch.status).toBe(200);
    const found = await vi.waitFor(() => {
      const mine = auditEvents(gateway.where).filter(({ requestId }) =>
        requestId.startsWith(batch.requestId),
      );
      expect(mine).toHaveLength(3);
      return mine;
    });
    const byId = new Map(found.map((each) => [each.requestId, each]));
    expect(byId.get(`${batch.requestId}.0`)).toMatchObject({ status: 200, code: null });
    expect(byId.get(`${batch.requestId}.1`)).toMatchObject({ code: 'GRAPHQL_VALIDATION_FAILED' });
    expect(byId.get(`${batch.requestId}.2`)).toMatchObject({ decision: { effect: 'filter' } });
  });

  it('records a client that goes away while a subgraph works', async () => {
    const mark = 'Leaver';
    const before = patient.received.length;
    const leaving = request(gateway.url, { method: 'POST', headers: { 'content-type': 'application/json' } });
    leaving.on('error', () => undefined);
    leaving.end(query(`query ${mark} { waits }`));
    await vi.waitFor(() => expect(patient.received.length).toBe(before + 1));
    leaving.destroy();
    const mine = await vi.waitFor(() => {
      const found = auditEvents(gateway.where).filter(({ operation }) => operation?.name === mark);
      expect(found).not.toHaveLength(0);
      return found;
    });
    expect(mine).toHaveLength(1);
    expect(mine[0]).toMatchObject({ code: 'REQUEST_ABORTED', status: 499 });
  });

  it('has recorded every request once, and none twice', async () => {
    const last = await ask(gateway.url, '{ open }');
    await event(last);
    const ids = auditEvents(gateway.where).map(({ requestId }) => requestId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('every exit of a gateway that rejects leaves exactly one audit event', () => {
  let items: TinySubgraph;
  let gateway: TestGateway;
  beforeAll(async () => {
    items = await startItems();
    gateway = await startTestGateway([items], { authorization: { mode: 'reject' } });
  });
  afterAll(async () => {
    await gateway?.close();
    await items?.close();
  });

  it.each([
    [401, false],
    [403, true],
  ])('records a refusal with status %i and calls no subgraph', async (status, withToken) => {
    const before = items.received.length;
    const token = withToken ? { token: await gateway.issuer.token() } : {};
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const answer = await ask(gateway.url, '{ open scoped }', { ...token, headers: { accept } });
      expect({ status: answer.status, codes: answer.codes }).toEqual({
        status,
        codes: ['UNAUTHORIZED_FIELD_OR_TYPE'],
      });
      expect(answer.headers.get('www-authenticate')).toBe(withToken ? null : 'Bearer');
      expect(answer.body).not.toHaveProperty('data');
      expect(await auditOf(gateway.where, answer.requestId)).toMatchObject({
        status,
        code: 'UNAUTHORIZED_FIELD_OR_TYPE',
        decision: { effect: 'deny', reasons: [{ coordinate: 'Query.scoped', path: ['scoped'] }] },
        fetches: [],
      });
    }
    expect(items.received).toHaveLength(before);
  });
});
