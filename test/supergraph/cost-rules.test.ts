import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { readCostRules } from '../../src/supergraph/cost-rules.ts';
import { readLinks } from '../../src/supergraph/links.ts';

function read(sdl: string, link = 'import: ["@cost", "@listSize"]') {
  const document = parse(
    `schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/cost/v0.1", ${link}) { query: Query }\n${sdl}`,
  );
  return readCostRules(document, readLinks(document).links);
}

describe('the cost rules of a supergraph', () => {
  it('are kept by coordinate', () => {
    const { rules, faults } = read(
      `type Query @cost(weight: 0) { a(x: Int @cost(weight: 1)): [Int] @cost(weight: 2) @listSize(slicingArguments: ["x", "y.z"], sizedFields: "n", assumedSize: 3, requireOneSlicingArgument: false) }
      input I { f: Int @cost(weight: 4) } scalar S @cost(weight: 5) enum E @cost(weight: 2147483647) { A }`,
    );
    expect(faults).toEqual([]);
    expect(Object.fromEntries(rules.weights)).toEqual({
      Query: 0,
      'Query.a(x:)': 1,
      'Query.a': 2,
      'I.f': 4,
      S: 5,
      E: 2147483647,
    });
    expect(rules.listSizes.get('Query.a')).toEqual({
      slicingArguments: [['x'], ['y', 'z']],
      sizedFields: [['n']],
      assumedSize: 3,
      requireOneSlicingArgument: false,
    });
  });

  it.each([
    ['renamed', 'import: [{ name: "@cost", as: "@price" }]', '@price(weight: 1) @cost__listSize'],
    ['prefixed', 'as: "demand"', '@demand(weight: 1) @demand__listSize'],
  ])('are found where they are %s', (_, link, use) => {
    const { rules, faults } = read(`type Query { a: [Int] ${use} }`, link);
    expect(faults).toEqual([]);
    expect([rules.weights.size, rules.listSizes.size]).toEqual([1, 1]);
  });

  it.each([
    ['a negative weight', 'type Query { a: Int @cost(weight: -1) }'],
    ['a weight above the largest Int', 'type Query { a: Int @cost(weight: 2147483648) }'],
    ['a weight that is no integer', 'type Query { a: Int @cost(weight: 1.5) }'],
    ['a weight that is text', 'type Query { a: Int @cost(weight: "1") }'],
    ['no weight', 'type Query { a: Int @cost }'],
    ['an unknown argument', 'type Query { a: Int @cost(weight: 1, more: 2) }'],
    ['two weights', 'type Query { a: Int @cost(weight: 1) @cost(weight: 2) }'],
    ['a weight on a union', 'type Query { a: Int } union U @cost(weight: 1) = Query'],
    ['a size on a type', 'type Query @listSize(assumedSize: 1) { a: Int }'],
    ['a negative size', 'type Query { a: [Int] @listSize(assumedSize: -1) }'],
    ['two sizes', 'type Query { a: [Int] @listSize(assumedSize: 1) @listSize(assumedSize: 2) }'],
    ['an argument given twice', 'type Query { a: [Int] @listSize(assumedSize: 1, assumedSize: 2) }'],
    ['an unknown argument of a size', 'type Query { a: [Int] @listSize(size: 1) }'],
    ['slicing arguments that are no names', 'type Query { a: [Int] @listSize(slicingArguments: ["a b"]) }'],
    ['slicing arguments that are numbers', 'type Query { a: [Int] @listSize(slicingArguments: [1]) }'],
    ['a switch that is none', 'type Query { a: [Int] @listSize(requireOneSlicingArgument: 1) }'],
    ['a directive the specification lacks', 'type Query { a: Int @cost__other }'],
  ])('are refused with %s', (_, sdl) => {
    expect(read(sdl).faults).toHaveLength(1);
  });
});
