import { describe, expect, it } from 'vitest';
import { compose, refusalOf } from '../operation/graph-kit.ts';

const LEAF = 'scalar Json enum Kind { A } type Thing { id: ID }';
const ruleOf = (field: string, coordinate = 'Query.a') =>
  compose(`type Query { ${field} } ${LEAF}`).policy.sensitive.get(coordinate);

describe('@sensitive', () => {
  it.each([
    ['a: String @sensitive(class: PERSONAL)', { classes: ['PERSONAL'], mask: 'FULL' }],
    ['a: ID! @sensitive(class: HEALTH, mask: HASH)', { classes: ['HEALTH'], mask: 'HASH' }],
    ['a: [[String!]!]! @sensitive(class: SECRET, mask: PARTIAL)', { classes: ['SECRET'], mask: 'PARTIAL' }],
    ['a: Thing @sensitive(class: FINANCIAL)', { classes: ['FINANCIAL'], mask: 'FULL' }],
    ['a: [Int]! @sensitive(class: FINANCIAL)', { classes: ['FINANCIAL'], mask: 'FULL' }],
  ])('is read: %s', (field, rule) => {
    expect(ruleOf(field)).toEqual(rule);
  });

  it('given several times has all classes and the strictest mask', () => {
    const field =
      'a: String @sensitive(class: SECRET, mask: PARTIAL) @sensitive(class: PERSONAL, mask: HASH) @sensitive(class: SECRET, mask: PARTIAL)';
    expect(ruleOf(field)).toEqual({ classes: ['PERSONAL', 'SECRET'], mask: 'HASH' });
    expect(ruleOf(`${field} @sensitive(class: HEALTH)`)).toMatchObject({ mask: 'FULL' });
  });

  it('is read on arguments, whatever their type', () => {
    const field = 'a(b: Int! @sensitive(class: SECRET, mask: PARTIAL)): Int';
    expect(ruleOf(field, 'Query.a(b:)')).toEqual({ classes: ['SECRET'], mask: 'PARTIAL' });
  });

  it.each([
    ['a number that is never null and cannot be emptied', 'a: Int! @sensitive(class: SECRET)'],
    ['a list of such', 'a: [Int!]! @sensitive(class: SECRET)'],
    ['an object that is never null', 'a: Thing! @sensitive(class: SECRET)'],
    ['an enum that is never null', 'a: Kind! @sensitive(class: SECRET)'],
    ['a part of a number', 'a: Int @sensitive(class: SECRET, mask: PARTIAL)'],
    ['a digest of an object', 'a: Thing @sensitive(class: SECRET, mask: HASH)'],
    ['a digest of a custom scalar', 'a: Json @sensitive(class: SECRET, mask: HASH)'],
  ])('is refused where its mask would have to stand for %s', (_, field) => {
    expect(refusalOf(() => ruleOf(field)).code).toBe('SUPERGRAPH_INVALID');
  });

  it('of an interface field holds on every object, beside what is written there', () => {
    const { sensitive } = compose(`
      type Query { i: I }
      interface I { x: String @sensitive(class: PERSONAL, mask: PARTIAL) }
      type A implements I { x: String @sensitive(class: SECRET) }
      type B implements I { x: String }
    `).policy;
    expect(sensitive.get('A.x')).toEqual({ classes: ['PERSONAL', 'SECRET'], mask: 'FULL' });
    expect(sensitive.get('B.x')).toEqual({ classes: ['PERSONAL'], mask: 'PARTIAL' });
  });

  it('of an interface is refused where an implementation cannot be masked', () => {
    const sdl = `type Query { i: I } interface I { x: Int @sensitive(class: PERSONAL) } type A implements I { x: Int! }`;
    expect(refusalOf(() => compose(sdl)).code).toBe('SUPERGRAPH_INVALID');
  });

  it('of one subgraph holds for a field that others share without it', () => {
    const { sensitive } = compose(
      'type Query { t: T } type T @key(fields: "id") { id: ID! x: String @shareable @sensitive(class: PERSONAL) }',
      'type T @key(fields: "id") { id: ID! x: String @shareable }',
    ).policy;
    expect(sensitive.get('T.x')).toEqual({ classes: ['PERSONAL'], mask: 'FULL' });
  });

  it('shows clients nothing of itself', () => {
    const { apiSchema } = compose('type Query { a: String @sensitive(class: PERSONAL) }');
    expect(apiSchema.getDirective('sensitive')).toBeUndefined();
    expect(Object.keys(apiSchema.getTypeMap()).filter((name) => /Sensitive|Mask/u.test(name))).toEqual([]);
  });
});
