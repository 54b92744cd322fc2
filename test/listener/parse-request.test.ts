import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import type { ParsedParams } from '../../src/listener/parse-params.ts';
import { type BatchRule, parseBody, parseQueryString } from '../../src/listener/parse-request.ts';
import type { GraphQLParams } from '../../src/listener/request.ts';
import { JSON_DEPTH_MAX } from '../../src/listener/sealed-json.ts';

const NO_BATCHES: BatchRule = { enabled: false, max: 3 };
const BATCHES: BatchRule = { enabled: true, max: 3 };

const body = (text: string, batching = NO_BATCHES) => parseBody(Buffer.from(text), batching);
const only = (text: string) => body(text).items[0];
const code = (params: ParsedParams | undefined) => (params instanceof GatewayError ? params.code : 'none');
const accepted = (params: ParsedParams | undefined): GraphQLParams => {
  if (params === undefined || params instanceof GatewayError) throw new Error(`refused: ${code(params)}`);
  return params;
};
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('parseBody', () => {
  it('reads the four parameters', () => {
    const params = accepted(
      only(
        '{"query":"{a}","operationName":"A","variables":{"x":[1,{"y":null}]},"extensions":{"z":true},"other":1}',
      ),
    );
    expect(params).toEqual({
      query: '{a}',
      operationName: 'A',
      variables: { x: [1, { y: null }] },
      extensions: { z: true },
    });
  });

  it('takes absent and null parameters alike', () => {
    const expected = { query: '{a}', operationName: null, variables: {}, extensions: {} };
    expect(accepted(only('{"query":"{a}"}'))).toEqual(expected);
    const nulls = '{"query":"{a}","operationName":null,"variables":null,"extensions":null}';
    expect(accepted(only(nulls))).toEqual(expected);
  });

  it.each([
    '',
    'null',
    '1',
    '"{a}"',
    '{',
    '{"query":"{a}"} x',
    '\ufeff{"query":"{a}"}',
    '{}',
    '{"query":null}',
    '{"query":""}',
    '{"query":1}',
    '{"query":["{a}"]}',
    '{"query":"{a}","operationName":1}',
    '{"query":"{a}","operationName":{}}',
    '{"query":"{a}","variables":[]}',
    '{"query":"{a}","variables":"{}"}',
    '{"query":"{a}","variables":0}',
    '{"query":"{a}","extensions":[]}',
    '{"query":"{a}","extensions":false}',
    '{"__proto__":{"query":"{a}"}}',
  ])('refuses %j as malformed', (text) => {
    expect(code(only(text))).toBe('BAD_REQUEST');
  });

  it('never repeats what was sent', () => {
    for (const text of [
      '{"query":s3cret',
      '{"query":{"s3cret":1}}',
      '{"query":"{a}","variables":"s3cret"}',
    ]) {
      const params = only(text);
      expect(params).toBeInstanceOf(GatewayError);
      expect(
        JSON.stringify(params instanceof GatewayError && [params.message, params.details, params.cause]),
      ).not.toContain('s3cret');
    }
  });

  it.each([
    ['an overlong form', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a stray byte', [0xff]],
    ['a cut sequence', [0xe2, 0x82]],
  ])('refuses UTF-8 with %s', (_title, bytes) => {
    const text = Buffer.concat([Buffer.from('{"query":"{a} #'), Buffer.from(bytes), Buffer.from('"}')]);
    expect(code(parseBody(text, NO_BATCHES).items[0])).toBe('BAD_REQUEST');
  });

  it('refuses half of a surrogate pair, which hashes like any other half', () => {
    expect(code(only('{"query":"{a} #\\ud800"}'))).toBe('BAD_REQUEST');
    expect(code(only('{"query":"{a} #\\ud83c\\udfc3"}'))).toBe('none');
  });

  it.each([
    '{"query":"{a}","variables":{"__proto__":{"admin":true}}}',
    '{"query":"{a}","variables":{"x":[{"\\u005f_proto__":1}]}}',
    '{"query":"{a}","extensions":{"__proto__":null}}',
  ])('refuses the key __proto__ in %j', (text) => {
    expect(code(only(text))).toBe('BAD_REQUEST');
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('admin');
  });

  it('gives objects that inherit nothing', () => {
    const { variables } = accepted(
      only('{"query":"{a}","variables":{"in":{"constructor":{"prototype":1}}}}'),
    );
    expect(variables['toString']).toBeUndefined();
    expect(Object.getPrototypeOf(variables)).toBeNull();
    expect(Object.getPrototypeOf(variables['in'])).toBeNull();
  });

  it('lets the last of two equal keys stand, everywhere', () => {
    expect(accepted(only('{"query":"{a}","query":"{b}"}')).query).toBe('{b}');
  });

  it('takes variables as deep as the bound and refuses deeper ones', () => {
    const within = `{"query":"{a}","variables":{"x":${nested(JSON_DEPTH_MAX - 1)}}}`;
    const beyond = `{"query":"{a}","variables":{"x":${nested(JSON_DEPTH_MAX)}}}`;
    expect(code(only(within))).toBe('none');
    expect(code(only(beyond))).toBe('BAD_REQUEST');
    expect(code(only(`{"query":"{a}","variables":{"x":${nested(200_000)}}}`))).toBe('BAD_REQUEST');
  });
});

describe('parseBody, batches', () => {
  const operations = (count: number) =>
    JSON.stringify(Array.from({ length: count }, () => ({ query: '{a}' })));

  it('refuses an array where batches are off', () => {
    const { batched, items } = body(operations(1));
    expect([batched, code(items[0])]).toEqual([false, 'BATCHING_NOT_ENABLED']);
  });

  it('takes as many operations as the limit and refuses one more', () => {
    expect(body(operations(3), BATCHES)).toMatchObject({ batched: true, items: { length: 3 } });
    const { batched, items } = body(operations(4), BATCHES);
    expect([batched, items.map(code)]).toEqual([false, ['BATCH_LIMIT_EXCEEDED']]);
  });

  it('refuses an empty array', () => {
    const { batched, items } = body('[]', BATCHES);
    expect([batched, items.map(code)]).toEqual([false, ['BAD_REQUEST']]);
  });

  it('refuses each malformed element by itself, nested batches too', () => {
    const { items } = body('[{"query":"{a}"},1,[{"query":"{a}"}]]', BATCHES);
    expect(items.map(code)).toEqual(['none', 'BAD_REQUEST', 'BAD_REQUEST']);
  });
});

describe('parseQueryString', () => {
  const get = (search: string) => parseQueryString(search).items[0];

  it('reads the four parameters', () => {
    const search = new URLSearchParams({
      query: '{ a }',
      operationName: 'A',
      variables: '{"x":1}',
      extensions: '{}',
    });
    expect(accepted(get(`${search}&other=%7B`))).toEqual({
      query: '{ a }',
      operationName: 'A',
      variables: { x: 1 },
      extensions: {},
    });
  });

  it('takes an empty operation name for none', () => {
    expect(accepted(get('query=%7Ba%7D&operationName=')).operationName).toBeNull();
  });

  it.each([
    '',
    'query',
    'query=',
    'query={a}&query={b}',
    'query={a}&%71uery={b}',
    'query={a}&variables={}&variables={}',
    'query={a}&variables=',
    'query={a}&variables=[]',
    'query={a}&variables=x',
    'query={a}&extensions=1',
    'query=%',
    'query=%ff',
    'query=%ed%a0%80',
    'query={a}&x=%c0%af',
  ])('refuses %j as malformed', (search) => {
    expect(code(get(search))).toBe('BAD_REQUEST');
  });
});

describe('persisted queries', () => {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const persisted = (value: unknown, query?: string) =>
    code(only(JSON.stringify({ query, extensions: { persistedQuery: value } })));

  it('answers an id alone with PERSISTED_QUERY_NOT_SUPPORTED', () => {
    expect(persisted({ version: 1, sha256Hash: sha256('{a}') })).toBe('PERSISTED_QUERY_NOT_SUPPORTED');
  });

  it('refuses an id that is not the hash of the document', () => {
    expect(persisted({ version: 1, sha256Hash: sha256('{b}') }, '{a}')).toBe('PERSISTED_QUERY_HASH_MISMATCH');
    expect(persisted({ version: 1, sha256Hash: '' }, '{a}')).toBe('PERSISTED_QUERY_HASH_MISMATCH');
  });

  it('takes an id that is the hash of the document', () => {
    expect(persisted({ version: 1, sha256Hash: sha256('{a}') }, '{a}')).toBe('none');
  });

  it.each([1, 'x', [], {}, { version: 2, sha256Hash: 'x' }, { version: 1 }, { version: 1, sha256Hash: 1 }])(
    'refuses the extension %j as malformed',
    (value) => {
      expect(persisted(value, '{a}')).toBe('BAD_REQUEST');
    },
  );
});
