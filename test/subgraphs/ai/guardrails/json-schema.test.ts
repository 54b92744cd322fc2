import { describe, expect, it } from 'vitest';
import { followsSchema } from '../../../../subgraphs/ai/guardrails/json-schema.ts';
import { changeJson } from '../../../../subgraphs/ai/guardrails/json-texts.ts';

describe('a value', () => {
  it.each([
    [{ type: 'object', required: ['a'], properties: { a: { type: 'integer' } } }, { a: 1 }, { a: 1.5 }],
    [{ additionalProperties: false, properties: { a: true } }, { a: 1 }, { a: 1, b: 2 }],
    [{ additionalProperties: { type: 'string' } }, { b: 'x' }, { b: 1 }],
    [{ properties: { a: false } }, {}, { a: 1 }],
    [{ minProperties: 1, maxProperties: 1 }, { a: 1 }, {}],
    [{ type: ['string', 'null'] }, null, 1],
    [{ enum: ['a', { b: 1, c: 2 }] }, { c: 2, b: 1 }, { b: 1 }],
    [{ const: 0 }, 0, '0'],
    [{ items: { type: 'number' }, minItems: 1, maxItems: 2 }, [1], [1, 2, 3]],
    [{ prefixItems: [{ type: 'string' }], items: { type: 'number' } }, ['a', 1], ['a', 'b']],
    [
      { uniqueItems: true },
      [{ a: 1 }, { a: 2 }],
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
    ],
    [{ minLength: 2, maxLength: 2 }, '😀😀', '😀'],
    [{ minimum: 1, maximum: 2 }, 2, 2.1],
    [{ exclusiveMinimum: 1, exclusiveMaximum: 2 }, 1.5, 2],
    [{ multipleOf: 3 }, 9, 10],
    [{ anyOf: [{ type: 'string' }, { minimum: 5 }] }, 5, 4],
    [{ oneOf: [{ type: 'number' }, { minimum: 5 }] }, 4, 5],
    [{ allOf: [{ minimum: 1 }, { maximum: 2 }] }, 1, 3],
    [{ not: { type: 'string' } }, 1, 'a'],
    [{ $ref: '#/$defs/a', $defs: { a: { type: 'string' } } }, 'x', 1],
    [
      { properties: { next: { $ref: '#' } }, required: ['v'] },
      { v: 1, next: { v: 2 } },
      { v: 1, next: {} },
    ],
    [{ pattern: '^[a-z]+$' }, 'abc', 'aBc'],
    [{ pattern: 'b' }, 7, 'a'],
    [{ patternProperties: { '^n_': { type: 'number' } } }, { n_a: 1, b: 'x' }, { n_a: 'x' }],
    [{ patternProperties: { '^n_': true }, additionalProperties: false }, { n_a: 1 }, { m_a: 1 }],
    [{ format: 'date' }, '2024-02-29', '2023-02-29'],
    [{ format: 'time' }, '23:59:60Z', '24:00:00Z'],
    [{ format: 'date-time' }, '2026-11-28T09:00:00.5+01:00', '2026-11-28 09:00:00Z'],
    [{ format: 'duration' }, 'P1DT2H', 'PT'],
    [{ format: 'email' }, 'jane.doe@example.com', 'jane..doe@example.com'],
    [{ format: 'email' }, 'a@b.c', 'b.c'],
    [{ format: 'hostname' }, 'a-1.example.com', '-a.example.com'],
    [{ format: 'ipv4' }, '10.0.0.1', '10.0.0.256'],
    [{ format: 'ipv6' }, '::1', 'fe80::1%eth0'],
    [{ format: 'uri' }, 'https://example.com/?a=1', 'example.com'],
    [{ format: 'uuid' }, '0190c3a0-7b1c-7000-8000-000000000000', '0190c3a0'],
    [{ properties: { toString: { type: 'string' } } }, {}, { toString: 1 }],
  ])('that follows %j is told from one that does not', (schema, good, bad) => {
    expect([followsSchema(good, schema), followsSchema(bad, schema)]).toEqual([true, false]);
  });

  it.each([
    ['a reference to itself', { $ref: '#' }],
    ['a reference to itself, denied', { not: { $ref: '#' } }],
    ['a reference to nowhere', { $ref: '#/$defs/none' }],
    ['a reference to elsewhere', { $ref: 'https://example.com/schema' }],
    ['a pattern that is not run', { properties: { a: true }, pattern: '(?=a)', minProperties: 1 }],
    ['alternatives without end', { anyOf: Array.from({ length: 9 }, () => ({ allOf: [{ $ref: '#' }] })) }],
  ])('follows no schema with %s', (_, schema) => {
    expect(followsSchema({}, schema)).toBe(false);
  });

  it('that is nested without end follows nothing that compares it', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
    expect(followsSchema(deep, { enum: [[]] })).toBe(false);
  });
});

describe('what a schema may cost', () => {
  const doubling = (depth: number): object => ({
    $ref: `#/$defs/a${depth}`,
    $defs: Object.fromEntries(
      Array.from({ length: depth + 1 }, (_, level) => {
        const below = { $ref: `#/$defs/a${level - 1}` };
        return [`a${level}`, level === 0 ? leaf : { allOf: [below, below] }];
      }),
    ),
  });
  let leaf: object = {};

  it.each<[string, object, unknown]>([
    ['a long text', { minLength: 1 }, 'a'.repeat(32_768)],
    ['a long list', { uniqueItems: true }, Array.from({ length: 2_000 }, (_, index) => index)],
    [
      'many names',
      { required: ['n1'] },
      Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`n${n}`, n])),
    ],
    ['many alternatives', { enum: Array.from({ length: 2_000 }, (_, index) => index) }, 1],
    ['a pattern of many states', { pattern: '(?:a{1,30}b?){9}$' }, 'a'.repeat(99)],
    ['a pattern of a long name', { patternProperties: { '': true } }, { ['a'.repeat(16_000)]: 1 }],
    ['a long constant', { not: { const: 'a'.repeat(16_000) } }, 1],
  ])('counts what is gone through: %s, looked at often, follows nothing', (_, each, value) => {
    leaf = each;
    expect([followsSchema(value, doubling(1)), followsSchema(value, doubling(8))]).toEqual([true, false]);
  });
});

describe('texts of JSON', () => {
  const loud = (text: string): string => text.replaceAll('a', 'AA');

  it.each([
    ['{"a":["bab",1,12345678901234567890,null]}', '{"AA":["bAAb",1,12345678901234567890,null]}'],
    [String.raw`{"x":"\u0061\n"}`, String.raw`{"x":"AA\n"}`],
    ['', ''],
  ])('of %s are changed, and nothing else', (json, expected) => {
    expect(changeJson(json, loud)).toBe(expected);
  });

  it.each([
    ['"never ends, 41', '"never ends, [N]"'],
    ['not JSON, "and \\u00341" or 41', 'not JSON, "and [N]" or "[N]"'],
  ])('that are none are read as they stand too: %s', (json, expected) => {
    expect(changeJson(json, (text) => text.replaceAll('41', '[N]'))).toBe(expected);
  });

  it.each([
    ['{"password":"x1"}', '{"password":"[X]"}'],
    [
      '{ "password" : 7 , "other": "x1", "password": "y" }',
      '{ "password" : "[X]" , "other": "x1", "password": "[X]" }',
    ],
    ['{"password":{"other":"x1"}}', '{"password":{"other":"x1"}}'],
  ])('are read with the name before them where it says what they are: %s', (json, expected) => {
    expect(changeJson(json, (text) => text.replace(/^(password: ).+/u, '$1[X]'))).toBe(expected);
  });

  it('that are numbers become strings where they change', () => {
    expect(changeJson('{"n":41}', (text) => (text === '41' ? '[N]' : text))).toBe('{"n":"[N]"}');
  });
});
