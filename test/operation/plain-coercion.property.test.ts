import {
  type Arbitrary,
  array,
  assert,
  boolean,
  constant,
  constantFrom,
  double,
  integer,
  oneof,
  property,
  record,
  string,
} from 'fast-check';
import {
  buildSchema,
  coerceInputValue,
  type GraphQLInputType,
  isInputType,
  parseType,
  typeFromAST,
} from 'graphql';
import { expect, it } from 'vitest';
import { NOT_PLAIN, plainCoercion } from '../../src/operation/plain-coercion.ts';

const SCHEMA = buildSchema(`
  scalar Moment
  enum Size { SMALL LARGE }
  input Part { name: String! = "none", size: Size, more: [Part!], at: Moment, count: Int = 3, share: Float }
  input Whole { id: ID!, parts: [[Part!]!], isOpen: Boolean = null, required: Int! }
  input Choice @oneOf { a: Int, b: String }
  input Inherited { constructor: Int, toString: String }
  type Query { all(whole: Whole, choice: Choice, inherited: Inherited): Boolean }
`);
const TYPES = [
  'Int',
  'Float!',
  'String',
  'ID!',
  'Boolean',
  'Size',
  '[Size]',
  'Part',
  '[Part!]!',
  'Whole!',
  'Moment',
  'Choice',
  'Inherited',
  '[Int!]',
];
/** What fits many places, and what fits none. */
const leaf = constantFrom<unknown>(
  ...[null, true, 0, 1.5, -7, 2_147_483_647, 2_147_483_648, '', 'text', 'SMALL', 'LARGE', '5'],
);
const or = (fitting: Arbitrary<unknown>) =>
  oneof({ arbitrary: fitting, weight: 9 }, { arbitrary: leaf, weight: 1 });
const some = { requiredKeys: [] };

function part(depth: number): Arbitrary<unknown> {
  return or(
    record(
      {
        ...{ name: or(string()), size: or(constantFrom('SMALL', 'LARGE')), count: or(integer()) },
        ...{
          share: or(double()),
          more: or(depth === 0 ? constant([]) : array(part(depth - 1), { maxLength: 3 })),
        },
      },
      some,
    ),
  );
}
const parts = array(part(2), { maxLength: 3 });
const whole = record(
  {
    id: or(string()),
    parts: or(array(or(parts), { maxLength: 2 })),
    isOpen: or(boolean()),
    required: or(integer()),
  },
  some,
);
const strange = record({ at: leaf, a: leaf, b: leaf, other: leaf, constructor: leaf }, some);
const values = oneof(leaf, array(leaf, { maxLength: 3 }), part(1), parts, whole, whole, strange);

const typeOf = (text: string): GraphQLInputType => {
  const type = typeFromAST(SCHEMA, parseType(text) as never);
  if (!isInputType(type)) return expect.unreachable();
  return type;
};

/** What the library makes of a value; null in a list of its own where it refuses it. */
function byLibrary(value: unknown, type: GraphQLInputType): { readonly coerced: unknown } | null {
  let isRefused = false;
  const coerced = coerceInputValue(value, type, () => {
    isRefused = true;
  });
  return isRefused ? null : { coerced };
}

it('coerces as the library does whatever it coerces', () => {
  assert(
    property(constantFrom(...TYPES), values, (text, value) => {
      const type = typeOf(text);
      const coerced = plainCoercion(type)(value);
      if (coerced !== NOT_PLAIN) expect({ coerced }).toStrictEqual(byLibrary(value, type));
    }),
    { numRuns: 2000 },
  );
});

it.each([
  ['Int', 7],
  ['Float!', 7.5],
  ['ID!', 'x'],
  ['Size', 'LARGE'],
  ['[Part!]!', [{ name: 'a', more: [{ size: 'SMALL' }], share: null }]],
  ['Whole!', { id: 'x', required: 1, parts: [[{ count: 5 }]] }],
])('coerces a plain %s by itself', (text, value) => {
  const type = typeOf(text);
  expect({ coerced: plainCoercion(type)(value) }).toStrictEqual(byLibrary(value, type));
});

it.each([
  ['Int', 2_147_483_648],
  ['Int', '7'],
  ['ID', 7],
  ['String!', null],
  ['[Int]', 7],
  ['Size', 'MIDDLE'],
  ['Moment', 'now'],
  ['Choice', { a: 1 }],
  ['Inherited', {}],
  ['Part', { other: 1 }],
  ['Part', { name: null }],
  ['Part', { constructor: 1 }],
  ['Whole', { id: 'x' }],
  ['Part', []],
])('leaves a %s to the library that is %j', (text, value) => {
  expect(plainCoercion(typeOf(text))(value)).toBe(NOT_PLAIN);
});
