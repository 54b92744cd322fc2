import { describe, expect, it } from 'vitest';
import { composeSupergraph } from '../../src/supergraph/compose.ts';
import { composeAll, policyOf, refusalOf } from './graphs.ts';

const FEDERATION = 'https://specs.apollo.dev/federation/v2.9';

/** One subgraph whose rules go by the given names. */
function subgraph(
  link: string,
  names: { authenticated: string; requiresScopes: string; policy: string },
): string {
  return `extend schema ${link}
    type Query { a: T @${names.authenticated} b: E }
    type T @${names.requiresScopes}(scopes: [["x", "y"], ["z"]]) { c: ID @${names.policy}(policies: [["p"]]) }
    enum E @${names.authenticated} { V }`;
}

const PLAIN = subgraph(
  `@link(url: "${FEDERATION}", import: ["@authenticated", "@requiresScopes", "@policy"])`,
  {
    authenticated: 'authenticated',
    requiresScopes: 'requiresScopes',
    policy: 'policy',
  },
);

describe('rules of a subgraph hold by whatever name', () => {
  const expected = policyOf(composeAll({ a: PLAIN }));

  it('they are written with', () => {
    expect([...expected.types.keys()].sort()).toEqual(['E', 'T']);
    expect([...expected.fields.keys()].sort()).toEqual(['Query.a', 'T.c']);
  });

  it.each([
    [
      'renamed imports',
      `@link(url: "${FEDERATION}", import: [{name: "@authenticated", as: "@loggedIn"}, {name: "@requiresScopes", as: "@policy"}, {name: "@policy", as: "@rule"}])`,
      { authenticated: 'loggedIn', requiresScopes: 'policy', policy: 'rule' },
    ],
    [
      'a renamed link',
      `@link(url: "${FEDERATION}", as: "fed")`,
      { authenticated: 'fed__authenticated', requiresScopes: 'fed__requiresScopes', policy: 'fed__policy' },
    ],
    [
      'no imports',
      `@link(url: "${FEDERATION}")`,
      {
        authenticated: 'federation__authenticated',
        requiresScopes: 'federation__requiresScopes',
        policy: 'federation__policy',
      },
    ],
    [
      'a renamed link with some imports',
      `@link(url: "${FEDERATION}", as: "fed", import: ["@policy", {name: "@authenticated", as: "@auth"}])`,
      { authenticated: 'auth', requiresScopes: 'fed__requiresScopes', policy: 'policy' },
    ],
    [
      'a renamed link directive',
      `@l(url: "https://specs.apollo.dev/link/v1.0", as: "l") @l(url: "${FEDERATION}", import: ["@authenticated", "@requiresScopes", "@policy"])
       directive @l(url: String, as: String, import: [l__Import]) repeatable on SCHEMA scalar l__Import`,
      { authenticated: 'authenticated', requiresScopes: 'requiresScopes', policy: 'policy' },
    ],
  ])('given by %s', (_, link, names) => {
    expect(policyOf(composeAll({ a: subgraph(link, names) }))).toEqual(expected);
  });

  it.each([
    [
      'as on the links',
      (sdl: string) =>
        sdl
          .replace('authenticated/v0.1", for', 'authenticated/v0.1", as: "auth", for')
          .replaceAll('@authenticated', '@auth'),
    ],
    [
      'renamed imports',
      (sdl: string) =>
        sdl
          .replaceAll('@policy', '@rule')
          .replace(
            /(policy\/v0.1", for: SECURITY)/,
            '$1, import: [{name: "@policy", as: "@rule"}, {name: "Policy", as: "Rule"}]',
          )
          .replaceAll('policy__Policy', 'Rule'),
    ],
    [
      'another name for @link',
      (sdl: string) =>
        sdl
          .replace('link/v1.0")', 'link/v1.0", as: "core")')
          .replaceAll('@link', '@core')
          .replaceAll('link__', 'core__'),
    ],
  ])('that the supergraph gives by %s', (_, edit) => {
    const sdl = composeAll({ a: PLAIN });
    expect(edit(sdl)).not.toBe(sdl);
    expect(policyOf(edit(sdl))).toEqual(expected);
  });
});

describe('composition', () => {
  const imports = '["@key", "@shareable", "@authenticated", "@requiresScopes", "@composeDirective"]';
  const link = `extend schema @link(url: "${FEDERATION}", import: ${imports})`;

  it('asks for the rules of all subgraphs that share a coordinate', () => {
    const { types, fields } = policyOf(
      composeAll({
        a: `${link} type Query { t: T } type T @key(fields: "id") @authenticated { id: ID! n: Int @shareable @requiresScopes(scopes: [["a"], ["b", "c"]]) }`,
        b: `${link} type T @key(fields: "id") { id: ID! n: Int @shareable @requiresScopes(scopes: [["b"]]) @authenticated }`,
      }),
    );
    expect(types.get('T')).toEqual({ authenticated: true, scopes: null, policies: null });
    expect(fields.get('T.n')).toEqual({
      authenticated: true,
      scopes: [
        ['a', 'b'],
        ['b', 'c'],
      ],
      policies: null,
    });
  });

  it('keeps a constraint that only one of the subgraphs states', () => {
    const ours =
      '@link(url: "https://portcullis.dev/security/v1.0", import: ["@constraint"]) @composeDirective(name: "@constraint") directive @constraint(max: Float) on ARGUMENT_DEFINITION';
    const { constraints } = policyOf(
      composeAll({
        a: `${link} ${ours} type Query { f(x: Int @constraint(max: 3)): Int @shareable }`,
        b: `${link} type Query { f(x: Int): Int @shareable }`,
      }),
    );
    expect(Object.fromEntries(constraints)).toEqual({ 'Query.f(x:)': { max: 3 } });
  });

  it.each([
    ['no subgraph', []],
    ['an empty name', [{ name: ' ', url: 'http://a.test', sdl: PLAIN }]],
    [
      'a name twice',
      [
        { name: 'a', url: 'http://a.test', sdl: PLAIN },
        { name: 'a', url: 'http://b.test', sdl: PLAIN },
      ],
    ],
  ])('is refused with %s', (_, subgraphs) => {
    expect(refusalOf(() => composeSupergraph(subgraphs)).code).toBe('COMPOSITION_FAILED');
  });

  it('is refused with the syntax fault of every subgraph, named', () => {
    const { code, lines } = refusalOf(() => composeAll({ a: 'type Query {', b: PLAIN, c: '}' }));
    expect(code).toBe('COMPOSITION_FAILED');
    expect(lines).toEqual([
      expect.stringMatching(/^INVALID_GRAPHQL \[a\] /),
      expect.stringMatching(/^INVALID_GRAPHQL \[c\] /),
    ]);
  });

  it('is refused with one line per fault: code, subgraphs, message', () => {
    const { code, lines } = refusalOf(() =>
      composeAll({
        a: `${link} type Query { t: T } type T { n: Int m: String }`,
        b: `${link} type T { n: Int m: String }`,
      }),
    );
    expect(code).toBe('COMPOSITION_FAILED');
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^INVALID_FIELD_SHARING \[a, b\] .*T\.[mn]/);
  });

  it('is refused where a rule needs a later version of federation than is linked', () => {
    const old = PLAIN.replace('federation/v2.9', 'federation/v2.4');
    expect(refusalOf(() => composeAll({ a: old })).code).toBe('COMPOSITION_FAILED');
  });

  it('is refused where a rule is written on an interface', () => {
    const { code } = refusalOf(() =>
      composeAll({
        a: `${link} type Query { i: I } interface I @authenticated { id: ID } type A implements I { id: ID }`,
      }),
    );
    expect(code).toBe('COMPOSITION_FAILED');
  });
});

describe('a composition that would lose a rule is refused', () => {
  const definition = 'directive @constraint(max: Float) on ARGUMENT_DEFINITION';
  const federation = `@link(url: "${FEDERATION}", import: ["@shareable", "@composeDirective"])`;
  const ours = '@link(url: "https://portcullis.dev/security/v1.0", import: ["@constraint"])';
  const types = (max: number) => `type Query { f(x: Int @constraint(max: ${max})): Int @shareable }`;

  it('where a subgraph uses our directive and does not compose it', () => {
    const { code, lines } = refusalOf(() =>
      composeAll({ a: `extend schema ${federation} ${ours} ${definition} ${types(1)}` }),
    );
    expect(code).toBe('COMPOSITION_FAILED');
    expect(lines).toEqual([expect.stringContaining('RULE_NOT_COMPOSED [a] Query.f(x:) @constraint')]);
  });

  it('where a subgraph composes it by another name', () => {
    const sdl = `extend schema ${federation} ${ours.replace('"@constraint"', '{name: "@constraint", as: "@bound"}')}
      @composeDirective(name: "@constraint") ${definition} directive @bound(max: Float) on ARGUMENT_DEFINITION
      ${types(1).replace('@constraint', '@bound')}`;
    const { code, lines } = refusalOf(() => composeAll({ a: sdl }));
    expect(code).toBe('COMPOSITION_FAILED');
    expect(lines).toEqual([expect.stringContaining('RULE_NOT_COMPOSED [a] Query.f(x:) @bound')]);
  });

  it('where two subgraphs state different constraints, of which composition keeps one', () => {
    const sdl = (max: number) =>
      `extend schema ${federation} ${ours} @composeDirective(name: "@constraint") ${definition} ${types(max)}`;
    const { code, lines } = refusalOf(() => composeAll({ a: sdl(1), b: sdl(100) }));
    expect(code).toBe('COMPOSITION_FAILED');
    expect(lines).toEqual([expect.stringMatching(/^RULE_CONFLICT .*@constraint.*Query\.f\(x:\)/)]);
    expect(refusalOf(() => composeAll({ a: sdl(1), b: sdl(1) })).code).toBe('none');
  });

  it.each(['authenticated', 'policy', 'requiresScopes'])(
    'where a subgraph defines its own @%s, which federation does not know as a rule',
    (name) => {
      const sdl = `extend schema ${federation} directive @${name} on FIELD_DEFINITION type Query { f: Int @${name} }`;
      const { code, lines } = refusalOf(() => composeAll({ a: sdl }));
      expect(code).toBe('COMPOSITION_FAILED');
      expect(lines).toEqual([expect.stringContaining(`RULE_NOT_LINKED [a] Query.f @${name}`)]);
    },
  );
});
