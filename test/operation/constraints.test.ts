import { describe, expect, it } from 'vitest';
import { coerceVariables } from '../../src/operation/variables.ts';
import { codeOf, compiled, compose, refusalOf, understand } from './graph-kit.ts';

const GRAPH = compose(`
  type Query {
    text(value: String @constraint(minLength: 2, maxLength: 4)): Int
    id(value: ID @constraint(pattern: "[a-f]+")): Int
    number(value: Int @constraint(min: 1, max: 3)): Int
    float(value: Float @constraint(min: 0.5, max: 1.5)): Int
    list(value: [String!] @constraint(minItems: 2, maxItems: 3, maxLength: 4)): Int
    grid(value: [[Int]] @constraint(maxItems: 2, max: 9)): Int
    object(value: Filter): Int
    objects(value: [[Filter!]]): Int
    email(value: String @constraint(format: "EMAIL")): Int
    n: N
  }
  input Filter { name: String @constraint(maxLength: 4) and: [Filter!] tags: [String!] = ["fine"] @constraint(maxItems: 2) free: String }
  interface N { x(value: Int): Int }
  type A implements N { x(value: Int @constraint(max: 3)): Int }
  type B implements N { x(value: Int): Int }
`);

const literal = (text: string) => () => understand(GRAPH, text);
const withVariables = (text: string, given: Readonly<Record<string, unknown>>) => () =>
  coerceVariables(compiled(GRAPH, text), given, GRAPH);

/** Place, GraphQL literal, the same as JSON, and whether it passes. */
const VALUES: readonly (readonly [string, string, string, unknown, boolean])[] = [
  ['text', 'String', '"a"', 'a', false],
  ['text', 'String', '"ab"', 'ab', true],
  ['text', 'String', '"abcd"', 'abcd', true],
  ['text', 'String', '"abcde"', 'abcde', false],
  ['text', 'String', '""', '', false],
  ['text', 'String', '"👩👩👩👩"', '👩👩👩👩', true],
  ['text', 'String', '"👩👩👩👩👩"', '👩👩👩👩👩', false],
  ['text', 'String', '"👩"', '👩', false],
  ['text', 'String', '"""abcde"""', 'abcde', false],
  ['text', 'String', 'null', null, true],
  ['id', 'ID', '"abc"', 'abc', true],
  ['id', 'ID', '"abc\\n"', 'abc\n', false],
  ['id', 'ID', '"xabc"', 'xabc', false],
  ['id', 'ID', '"abcx"', 'abcx', false],
  ['id', 'ID', '""', '', false],
  ['id', 'ID', '123', 123, false],
  ['number', 'Int', '0', 0, false],
  ['number', 'Int', '1', 1, true],
  ['number', 'Int', '3', 3, true],
  ['number', 'Int', '4', 4, false],
  ['number', 'Int', '-2147483648', -2147483648, false],
  ['number', 'Int', 'null', null, true],
  ['float', 'Float', '0.5', 0.5, true],
  ['float', 'Float', '0.49999', 0.49999, false],
  ['float', 'Float', '1.5', 1.5, true],
  ['float', 'Float', '1.50001', 1.50001, false],
  ['float', 'Float', '1', 1, true],
  ['float', 'Float', '2', 2, false],
  ['float', 'Float', '1e308', 1e308, false],
  ['float', 'Float', '-0.0', 0, false],
  ['list', '[String!]', '["a"]', ['a'], false],
  ['list', '[String!]', '"a"', 'a', false],
  ['list', '[String!]', '[]', [], false],
  ['list', '[String!]', '["a", "b"]', ['a', 'b'], true],
  ['list', '[String!]', '["a", "b", "c"]', ['a', 'b', 'c'], true],
  ['list', '[String!]', '["a", "b", "c", "d"]', ['a', 'b', 'c', 'd'], false],
  ['list', '[String!]', '["a", "abcde"]', ['a', 'abcde'], false],
  ['grid', '[[Int]]', '[[1, 2, 3], null]', [[1, 2, 3], null], true],
  ['grid', '[[Int]]', '[[1], [10]]', [[1], [10]], false],
  ['grid', '[[Int]]', '[[1], [2], [3]]', [[1], [2], [3]], false],
  ['object', 'Filter', '{ name: "abcd" }', { name: 'abcd' }, true],
  ['object', 'Filter', '{ name: "abcde" }', { name: 'abcde' }, false],
  ['object', 'Filter', '{ free: "abcdefgh" }', { free: 'abcdefgh' }, true],
  [
    'object',
    'Filter',
    '{ and: [{ and: [{ name: "abcde" }] }] }',
    { and: [{ and: [{ name: 'abcde' }] }] },
    false,
  ],
  ['object', 'Filter', '{ and: { name: "abcde" } }', { and: { name: 'abcde' } }, false],
  ['object', 'Filter', '{ tags: ["a", "b", "c"] }', { tags: ['a', 'b', 'c'] }, false],
  ['object', 'Filter', '{ tags: "a" }', { tags: 'a' }, true],
  ['objects', '[[Filter!]]', '[[{ name: "abcde" }]]', [[{ name: 'abcde' }]], false],
  [
    'objects',
    '[[Filter!]]',
    '[[{ name: "a" }, { and: { name: "abcde" } }]]',
    [[{ name: 'a' }, { and: { name: 'abcde' } }]],
    false,
  ],
  ['objects', '[[Filter!]]', '{ name: "abcde" }', { name: 'abcde' }, false],
  ['objects', '[[Filter!]]', '[[], null, [{ name: "a" }]]', [[], null, [{ name: 'a' }]], true],
];

describe('constraints', () => {
  it.each(VALUES)('hold %s of %s to %s as a literal', (field, _type, text, _json, passes) => {
    const work = literal(`{ ${field}(value: ${text}) }`);
    if (passes) expect(work).not.toThrow();
    else expect(codeOf(work)).toBe('BAD_USER_INPUT');
  });

  it.each(VALUES)('hold %s of %s to the same as %s in a variable', (field, type, _text, json, passes) => {
    const work = withVariables(`query($v: ${type}) { ${field}(value: $v) }`, { v: json });
    if (passes) expect(work).not.toThrow();
    else expect(codeOf(work)).toBe('BAD_USER_INPUT');
  });

  it.each(VALUES)('hold %s of %s to the same as %s in a default', (field, type, text, _json, passes) => {
    const work = withVariables(`query($v: ${type} = ${text}) { ${field}(value: $v) }`, {});
    if (passes) expect(work).not.toThrow();
    else expect(codeOf(work)).toBe('BAD_USER_INPUT');
  });

  it.each([
    [
      'the literal items beside a variable',
      'query($v: String!) { list(value: [$v, "abcde"]) }',
      {},
      'list(value:)',
    ],
    [
      'the count of items, variables among them',
      'query($v: String!) { list(value: [$v, "a", "b", "c"]) }',
      {},
      'list(value:)',
    ],
  ])('hold %s at once', (_, text, _given, place) => {
    const error = refusalOf(literal(text));
    expect(error.code).toBe('BAD_USER_INPUT');
    expect(error.details[0]?.message).toContain(`Query.${place}`);
  });

  it.each([
    [
      'an item of a list literal',
      'query($v: String!) { list(value: ["a", $v]) }',
      'abcd',
      'abcde',
      'Query.list(value:)',
    ],
    [
      'an item of an inner list literal',
      'query($v: Int) { grid(value: [[1, $v]]) }',
      9,
      10,
      'Query.grid(value:)',
    ],
    [
      'a field of an object literal',
      'query($v: String) { object(value: { and: [{ name: $v }] }) }',
      'abcd',
      'abcde',
      'Filter.name',
    ],
    [
      'an object in nested list literals',
      'query($v: Filter!) { objects(value: [[$v]]) }',
      { name: 'abcd' },
      { name: 'abcde' },
      'Filter.name',
    ],
    ['an argument on one concrete type', 'query($v: Int) { n { x(value: $v) } }', 3, 4, 'A.x(value:)'],
    [
      'a field that is switched off',
      'query($v: Int) { number(value: $v) @skip(if: true) number_: number(value: $v) }',
      3,
      4,
      'Query.number(value:)',
    ],
  ])('hold a variable as %s', (_, text, good, bad, place) => {
    expect(withVariables(text, { v: good })).not.toThrow();
    const error = refusalOf(withVariables(text, { v: bad }));
    expect(error).toMatchObject({
      code: 'BAD_USER_INPUT',
      details: [{ message: expect.stringContaining(`"${place}"`) }],
    });
  });

  it('judge an interface argument by each concrete type', () => {
    expect(literal('{ n { x(value: 3) } }')).not.toThrow();
    expect(codeOf(literal('{ n { x(value: 4) } }'))).toBe('BAD_USER_INPUT');
    expect(literal('{ n { ... on B { x(value: 4) } } }')).not.toThrow();
  });

  it.each([
    '{ text(value: "hunter2-secret") }',
    '{ object(value: { name: "hunter2-secret" }) }',
    '{ list(value: ["hunter2-secret"]) }',
  ])('never tell the value: %s', (text) => {
    const error = refusalOf(literal(text));
    expect(JSON.stringify([error.message, error.details, String(error.cause)])).not.toContain('hunter2');
  });

  it('never tell the value of a variable', () => {
    const error = refusalOf(
      withVariables('query($v: String) { text(value: $v) email(value: $v) }', { v: 'hunter2-secret' }),
    );
    expect(error.details).toHaveLength(2);
    expect(JSON.stringify([error.message, error.details, String(error.cause)])).not.toContain('hunter2');
  });
});
