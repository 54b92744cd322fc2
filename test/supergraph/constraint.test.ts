import { describe, expect, it } from 'vitest';
import { PATTERN_LENGTH_MAX } from '../../src/supergraph/constraint.ts';
import { readSupergraph } from '../../src/supergraph/read-supergraph.ts';
import { CONSTRAINT_DEFINITION, handWritten, JOIN, LINK, PORTCULLIS, policyOf, refusalOf } from './graphs.ts';

const graph = '@join__type(graph: A)';

function sdlOf(types: string): string {
  return handWritten({ links: [LINK, JOIN, PORTCULLIS], definitions: CONSTRAINT_DEFINITION, types });
}

const onArgument = (type: string, rule: string) =>
  sdlOf(`scalar Any ${graph} type Query ${graph} { f(x: ${type} ${rule}): Int }`);

function constraintOf(type: string, rule: string) {
  return policyOf(onArgument(type, rule)).constraints.get('Query.f(x:)');
}

function refusal(type: string, rule: string) {
  return refusalOf(() => readSupergraph(onArgument(type, rule)));
}

describe('@constraint', () => {
  it.each([
    ['String', '@constraint(minLength: 1, maxLength: 5)', { minLength: 1, maxLength: 5 }],
    ['ID!', '@constraint(minLength: 3, maxLength: 3)', { minLength: 3, maxLength: 3 }],
    ['String', '@constraint(maxLength: 0)', { maxLength: 0 }],
    ['String', '@constraint(maxLength: 2147483647)', { maxLength: 2147483647 }],
    ['String', '@constraint(pattern: "a|b")', { pattern: '^(?:a|b)$' }],
    ['String', '@constraint(format: "EMAIL")', { format: 'EMAIL' }],
    ['Int!', '@constraint(min: -1, max: 1.5)', { min: -1, max: 1.5 }],
    ['Float', '@constraint(min: 1e3)', { min: 1000 }],
    [
      '[String!]!',
      '@constraint(minItems: 1, maxItems: 2, maxLength: 9)',
      { minItems: 1, maxItems: 2, maxLength: 9 },
    ],
    ['Any', '@constraint(min: 1, maxLength: 2)', { min: 1, maxLength: 2 }],
  ])('on %s is read: %s', (type, rule, expected) => {
    expect(constraintOf(type, rule)).toEqual(expected);
  });

  it('is read from input fields and under other names', () => {
    const sdl = handWritten({
      links: [LINK, JOIN, '@link(url: "https://portcullis.dev/security/v1.0", as: "guard")'],
      definitions: 'directive @guard__constraint(max: Float) on INPUT_FIELD_DEFINITION',
      types: `type Query ${graph} { f(x: I): Int } input I ${graph} { n: Int @guard__constraint(max: 3) }`,
    });
    expect(Object.fromEntries(policyOf(sdl).constraints)).toEqual({ 'I.n': { max: 3 } });
  });

  it('must match the whole string, whatever the alternatives in its pattern', () => {
    const pattern = constraintOf('String', '@constraint(pattern: "a|b")')?.pattern ?? '';
    expect(new RegExp(pattern, 'u').test('a')).toBe(true);
    expect(new RegExp(pattern, 'u').test('xb')).toBe(false);
    expect(new RegExp(pattern, 'u').test('a\n')).toBe(false);
  });

  it.each([
    ['String', '@constraint', 'bounds nothing'],
    ['String', '@constraint(maxLength: -1)', 'integer from 0'],
    ['String', '@constraint(maxLength: 2147483648)', 'integer from 0'],
    ['String', '@constraint(maxLength: 1.5)', 'integer from 0'],
    ['String', '@constraint(maxLength: "5")', 'integer from 0'],
    ['String', '@constraint(maxLength: null)', 'integer from 0'],
    ['String', '@constraint(minLength: 2, maxLength: 1)', 'no value can pass'],
    ['Int', '@constraint(min: 2, max: 1)', 'no value can pass'],
    ['[Int]', '@constraint(minItems: 2, maxItems: 1)', 'no value can pass'],
    ['Int', '@constraint(min: "1")', 'min must be a number'],
    ['Float', '@constraint(max: 1e999)', 'max must be a number'],
    ['String', '@constraint(pattern: "(")', 'not a regular expression'],
    ['String', '@constraint(pattern: "a)|(b")', 'not a regular expression'],
    ['String', '@constraint(pattern: "\\\\-")', 'not a regular expression'],
    ['String', '@constraint(pattern: 1)', 'must be a string'],
    ['String', '@constraint(format: "PHONE")', 'format must be one of'],
    ['String', '@constraint(format: 1)', 'format must be one of'],
    ['String', '@constraint(toString: 1)', 'unknown argument toString'],
    ['String', '@constraint(maxlength: 1)', 'unknown argument maxlength'],
    ['String', '@constraint(maxLength: 1, maxLength: 2)', 'given twice'],
    ['String', '@constraint(maxLength: 1) @constraint(maxLength: 2)', 'given twice'],
    ['Int', '@constraint(maxLength: 1)', 'against Int'],
    ['Boolean', '@constraint(pattern: "a")', 'against Boolean'],
    ['String', '@constraint(min: 1)', 'against String'],
    ['String', '@constraint(maxItems: 1)', 'need a list'],
  ])('on %s is refused: %s', (type, rule, message) => {
    const { code, lines } = refusal(type, rule);
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines).toContainEqual(
      expect.stringMatching(new RegExp(`^Query\\.f\\(x:\\) @constraint: .*${message}`)),
    );
  });

  it('bounds the length of its pattern', () => {
    const rule = (length: number) => `@constraint(pattern: "${'a'.repeat(length)}")`;
    expect(refusal('String', rule(PATTERN_LENGTH_MAX)).code).toBe('none');
    expect(refusal('String', rule(PATTERN_LENGTH_MAX + 1)).code).toBe('SUPERGRAPH_INVALID');
  });

  it.each([
    [
      'an input object',
      `type Query ${graph} { f(x: I @constraint(maxLength: 1)): Int } input I ${graph} { a: Int }`,
    ],
    ['a field', `type Query ${graph} { f: Int @constraint(max: 1) }`],
    [
      'an argument of a directive',
      `directive @d(x: Int @constraint(max: 1)) on OBJECT type Query ${graph} { f: Int }`,
    ],
  ])('on %s is refused', (_, types) => {
    const { code, lines } = refusalOf(() => readSupergraph(sdlOf(types)));
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines).toEqual([expect.stringContaining('@constraint: ')]);
  });
});

describe('@constraint on an interface', () => {
  const types = (own: string) => `type Query ${graph} { i: I }
    interface I ${graph} { f(x: String @constraint(maxLength: 5, pattern: "a+")): Int }
    type A implements I ${graph} { f(x: String ${own}): Int }
    type B implements I ${graph} { f(x: String): Int }`;

  it('holds for every implementation, together with what the implementation asks', () => {
    const { constraints } = policyOf(sdlOf(types('@constraint(minLength: 2, maxLength: 9)')));
    expect(Object.fromEntries(constraints)).toEqual({
      'A.f(x:)': { minLength: 2, maxLength: 5, pattern: '^(?:a+)$' },
      'B.f(x:)': { maxLength: 5, pattern: '^(?:a+)$' },
    });
  });

  it.each([
    ['two patterns meet', '@constraint(pattern: "b+")', 'two different values of pattern meet'],
    ['no value could pass both', '@constraint(minLength: 6)', 'no value can pass'],
  ])('is refused where %s', (_, own, message) => {
    const { code, lines } = refusalOf(() => readSupergraph(sdlOf(types(own))));
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines).toEqual([expect.stringContaining(message)]);
  });
});
