import { describe, expect, it } from 'vitest';
import { readSupergraph } from '../../src/supergraph/read-supergraph.ts';
import { composeAll, handWritten, policyOf, refusalOf } from './graphs.ts';

const graph = '@join__type(graph: A)';
const AUTHENTICATED = { authenticated: true, scopes: null, policies: null };

function rulesOf(types: string) {
  const policy = policyOf(handWritten({ types: `type Query ${graph} { i: I } ${types}` }));
  return { types: Object.fromEntries(policy.types), fields: Object.fromEntries(policy.fields) };
}

describe('a rule written on an interface alone, as compositions before 2.12 kept it', () => {
  it('holds for every implementation, which an inline fragment would reach otherwise', () => {
    const { types } = rulesOf(`
      interface I ${graph} @authenticated { id: ID }
      type A implements I ${graph} { id: ID }
      type B implements I ${graph} { id: ID }
    `);
    expect(types).toEqual({ A: AUTHENTICATED, B: AUTHENTICATED });
  });

  it('holds for the field of every implementation', () => {
    const { types, fields } = rulesOf(`
      interface I ${graph} { id: ID @authenticated other: ID }
      type A implements I ${graph} { id: ID other: ID }
      type B implements I ${graph} { id: ID other: ID }
    `);
    expect(types).toEqual({});
    expect(fields).toEqual({ 'A.id': AUTHENTICATED, 'B.id': AUTHENTICATED });
  });

  it('is added to what implementations ask themselves', () => {
    const { types } = rulesOf(`
      interface I ${graph} @requiresScopes(scopes: [["i"], ["j"]]) { id: ID }
      type A implements I ${graph} @requiresScopes(scopes: [["a"]]) @authenticated { id: ID }
      type B implements I ${graph} { id: ID }
    `);
    expect(types['A']).toEqual({
      authenticated: true,
      scopes: [
        ['a', 'i'],
        ['a', 'j'],
      ],
      policies: null,
    });
    expect(types['B']).toEqual({ authenticated: false, scopes: [['i'], ['j']], policies: null });
  });

  it('holds where an implementation asks for more, since no composition derives less than the AND', () => {
    const { types } = rulesOf(`
      interface I ${graph} @authenticated { id: ID }
      type A implements I ${graph} @authenticated @requiresScopes(scopes: [["a"]]) { id: ID }
      type B implements I ${graph} { id: ID }
    `);
    expect(types['B']).toEqual(AUTHENTICATED);
  });

  it('does not take scopes for authentication', () => {
    const { types } = rulesOf(`
      interface I ${graph} @authenticated { id: ID }
      type A implements I ${graph} @requiresScopes(scopes: [["a"]]) { id: ID }
    `);
    expect(types['A']).toEqual({ authenticated: true, scopes: [['a']], policies: null });
  });

  it('reaches implementations through @join__implements and through other interfaces', () => {
    const { types } = rulesOf(`
      interface I ${graph} @authenticated { id: ID }
      interface J implements I ${graph} { id: ID }
      type A implements I ${graph} @join__implements(graph: A, interface: "I") { id: ID }
      type B ${graph} @join__implements(graph: A, interface: "I") { id: ID }
      type C implements I & J ${graph} { id: ID }
      type D ${graph} @join__implements(graph: A, interface: "J") { id: ID }
      type E ${graph} { id: ID }
    `);
    expect(Object.keys(types).sort()).toEqual(['A', 'B', 'C', 'D']);
  });

  it('reaches implementations that only an extension states', () => {
    const { types } = rulesOf(`
      interface I ${graph} { id: ID }
      extend interface I @authenticated
      type A ${graph} { id: ID }
      extend type A implements I
    `);
    expect(types).toEqual({ A: AUTHENTICATED });
  });

  it('holds for interface objects too', () => {
    const { types, fields } = rulesOf(`
      interface I @join__type(graph: A, key: "id", isInterfaceObject: true) @authenticated {
        id: ID @join__field(graph: A)
        extra: ID @join__field(graph: A) @authenticated
      }
      type A implements I ${graph} { id: ID extra: ID @join__field }
    `);
    expect(types).toEqual({ A: AUTHENTICATED });
    expect(fields).toEqual({ 'A.extra': AUTHENTICATED });
  });

  it('is refused where the alternatives multiply beyond the bound', () => {
    const list = (name: string) => Array.from({ length: 40 }, (_, n) => `["${name}${n}"]`).join(' ');
    const sdl = handWritten({
      types: `type Query ${graph} { i: I }
        interface I ${graph} @requiresScopes(scopes: [${list('i')}]) { id: ID }
        type A implements I ${graph} @requiresScopes(scopes: [${list('a')}]) { id: ID }`,
    });
    const { code, lines } = refusalOf(() => readSupergraph(sdl));
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines).toEqual([expect.stringMatching(/^I: .* more than 1024 alternatives$/)]);
  });
});

describe('a rule that composition derived onto an interface', () => {
  it('leaves permitted implementations alone', () => {
    const { types, fields } = rulesOf(`
      interface I ${graph} @requiresScopes(scopes: [["a", "b"]]) @authenticated { id: ID @policy(policies: [["p"]]) }
      type A implements I ${graph} @requiresScopes(scopes: [["a"]]) { id: ID }
      type B implements I ${graph} @requiresScopes(scopes: [["b"]]) @authenticated { id: ID }
      type C implements I ${graph} { id: ID @policy(policies: [["p"]]) }
    `);
    expect(types).toEqual({
      A: { authenticated: false, scopes: [['a']], policies: null },
      B: { authenticated: true, scopes: [['b']], policies: null },
    });
    expect(Object.keys(fields)).toEqual(['C.id']);
  });

  it("is what today's composition makes of rules on implementations", () => {
    const sdl = composeAll({
      a: `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@authenticated", "@policy", "@requiresScopes", "@key", "@shareable"])
        type Query { i: I }
        interface I { id: ID! name: String }
        type A implements I @key(fields: "id") @authenticated { id: ID! name: String @shareable @requiresScopes(scopes: [["a"], ["x"]]) }
        type B implements I @key(fields: "id") { id: ID! name: String @policy(policies: [["p"]]) }
        type C implements I { id: ID! name: String }`,
      b: `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@requiresScopes", "@shareable"])
        type A @key(fields: "id") @requiresScopes(scopes: [["t"]]) { id: ID! name: String @shareable @requiresScopes(scopes: [["b"], ["x"]]) }`,
    });
    expect(sdl).toMatch(/interface I\s[^{]*@authenticated/);
    const { types, fields } = policyOf(sdl);
    expect(Object.fromEntries(types)).toEqual({
      A: { authenticated: true, scopes: [['t']], policies: null },
    });
    expect(Object.fromEntries(fields)).toEqual({
      'A.name': { authenticated: false, scopes: [['x'], ['a', 'b']], policies: null },
      'B.name': { authenticated: false, scopes: null, policies: [['p']] },
    });
  });

  it('carries rules on fields of interface objects to implementations', () => {
    const sdl = composeAll({
      a: `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
        type Query { i: I }
        interface I @key(fields: "id") { id: ID! }
        type A implements I @key(fields: "id") { id: ID! }
        type B implements I @key(fields: "id") { id: ID! }`,
      b: `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@interfaceObject", "@authenticated"])
        type I @key(fields: "id") @interfaceObject { id: ID! extra: Int @authenticated }`,
    });
    const { types, fields } = policyOf(sdl);
    expect(types.size).toBe(0);
    expect(Object.fromEntries(fields)).toEqual({ 'A.extra': AUTHENTICATED, 'B.extra': AUTHENTICATED });
  });
});
