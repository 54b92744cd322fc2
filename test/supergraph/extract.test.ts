import { describe, expect, it } from 'vitest';
import { CONJUNCTIONS_MAX } from '../../src/supergraph/dnf.ts';
import { readSupergraph } from '../../src/supergraph/read-supergraph.ts';
import {
  CONSTRAINT_DEFINITION,
  handWritten,
  JOIN,
  LINK,
  POLICY,
  PORTCULLIS,
  policyOf,
  REQUIRES_SCOPES,
  RULE_DEFINITIONS,
  refusalOf,
} from './graphs.ts';

const graph = '@join__type(graph: A)';

function refusal(types: string) {
  return refusalOf(() => readSupergraph(handWritten({ types })));
}

describe('rules of federation', () => {
  it('are read from objects, fields, scalars and enums, extensions included', () => {
    const { types, fields } = policyOf(
      handWritten({
        types: `
          type Query ${graph} { a: T @authenticated b: S c: E }
          type T ${graph} @requiresScopes(scopes: [["x", "y"], ["z"]]) { d: ID }
          scalar S ${graph} @policy(policies: [["p"]])
          enum E ${graph} @authenticated { V }
          extend type T { e: ID @policy(policies: [["q"]]) }
          extend type Query @authenticated
        `,
      }),
    );
    expect(Object.fromEntries(types)).toEqual({
      Query: { authenticated: true, scopes: null, policies: null },
      T: { authenticated: false, scopes: [['z'], ['x', 'y']], policies: null },
      S: { authenticated: false, scopes: null, policies: [['p']] },
      E: { authenticated: true, scopes: null, policies: null },
    });
    expect(Object.fromEntries(fields)).toEqual({
      'Query.a': { authenticated: true, scopes: null, policies: null },
      'T.e': { authenticated: false, scopes: null, policies: [['q']] },
    });
  });

  it('of several kinds on one coordinate must all pass', () => {
    const rule = '@authenticated @requiresScopes(scopes: [["a"]]) @policy(policies: [["p"]])';
    const { fields } = policyOf(handWritten({ types: `type Query ${graph} { a: Int ${rule} }` }));
    expect(fields.get('Query.a')).toEqual({ authenticated: true, scopes: [['a']], policies: [['p']] });
  });

  it('hold under names that say nothing', () => {
    const sdl = handWritten({
      links: [
        LINK,
        JOIN,
        '@link(url: "https://specs.apollo.dev/authenticated/v0.1", as: "green")',
        '@link(url: "https://specs.apollo.dev/requiresScopes/v0.1", import: [{name: "@requiresScopes", as: "@blue"}, {name: "Scope", as: "Hue"}])',
      ],
      definitions: 'directive @green on OBJECT directive @blue(scopes: [[Hue!]!]!) on OBJECT scalar Hue',
      types: `type Query ${graph} @green @blue(scopes: [["a"]]) { a: Int }`,
    });
    expect(policyOf(sdl).types.get('Query')).toEqual({
      authenticated: true,
      scopes: [['a']],
      policies: null,
    });
  });

  it('keep coordinates apart that differ in case or are named like members of Object', () => {
    const { types, fields } = policyOf(
      handWritten({
        types: `type Query ${graph} { constructor: t A: Int a: Int @authenticated }
          type t ${graph} @authenticated { toString: Int }`,
      }),
    );
    expect([...types.keys()]).toEqual(['t']);
    expect([...fields.keys()]).toEqual(['Query.a']);
  });
});

describe('a supergraph is refused', () => {
  it.each([
    ['@requiresScopes(scopes: [])', 'is empty'],
    ['@requiresScopes(scopes: [[]])', 'empty alternative'],
    ['@requiresScopes(scopes: [["a"], []])', 'empty alternative'],
    ['@requiresScopes(scopes: "a")', 'list of lists'],
    ['@requiresScopes(scopes: ["a"])', 'list of lists'],
    ['@requiresScopes(scopes: [["a"], "b"])', 'list of lists'],
    ['@requiresScopes(scopes: null)', 'list of lists'],
    ['@requiresScopes(scopes: [null])', 'list of lists'],
    ['@requiresScopes(scopes: [[null]])', 'must hold strings'],
    ['@requiresScopes(scopes: [[1]])', 'must hold strings'],
    ['@requiresScopes(scopes: [[a]])', 'must hold strings'],
    ['@requiresScopes(scopes: [[["a"]]])', 'must hold strings'],
    ['@requiresScopes(scopes: [["a", ""]])', 'empty name'],
    ['@requiresScopes(scopes: [[" "]])', 'empty name'],
    ['@requiresScopes', 'is missing'],
    ['@requiresScopes(scopes: [["a"]], scopes: [["b"]])', 'given twice'],
    ['@requiresScopes(policies: [["a"]])', 'unknown argument policies'],
    ['@policy(policies: [])', 'is empty'],
    ['@policy(policies: [[]])', 'empty alternative'],
    ['@policy(scopes: [["a"]])', 'unknown argument scopes'],
    ['@authenticated(if: false)', 'unknown argument if'],
    ['@authenticated @authenticated', 'given twice'],
    ['@requiresScopes(scopes: [["a"]]) @requiresScopes(scopes: [["b"]])', 'given twice'],
  ])('for %s, on fields and on types', (rule, message) => {
    const onField = refusal(`type Query ${graph} { a: Int ${rule} }`);
    expect(onField.code).toBe('SUPERGRAPH_INVALID');
    expect(onField.lines).toContainEqual(expect.stringMatching(new RegExp(`^Query\\.a @.*${message}`)));
    const onType = refusal(`type Query ${graph} ${rule} { a: Int }`);
    expect(onType.code).toBe('SUPERGRAPH_INVALID');
    expect(onType.lines).toContainEqual(expect.stringMatching(new RegExp(`^Query @.*${message}`)));
  });

  it('for a rule given on a type and again on its extension', () => {
    const { code, lines } = refusal(
      `type Query ${graph} @authenticated { a: Int } extend type Query @authenticated`,
    );
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines).toContainEqual('Query @authenticated: the rule is given twice');
  });

  it.each([
    ['a union', 'union U @join__type(graph: A) @authenticated = T', 'U @authenticated', 'UNION'],
    [
      'an argument',
      'extend type T { f(x: Int @authenticated): Int }',
      'T.f(x:) @authenticated',
      'ARGUMENT_DEFINITION',
    ],
    [
      'an input field',
      'input I @join__type(graph: A) { x: Int @authenticated }',
      'I.x @authenticated',
      'INPUT_FIELD_DEFINITION',
    ],
    [
      'an input type',
      'input I @join__type(graph: A) @authenticated { x: Int }',
      'I @authenticated',
      'INPUT_OBJECT',
    ],
    [
      'an enum value',
      'enum E @join__type(graph: A) { V @authenticated }',
      'E.V @authenticated',
      'ENUM_VALUE',
    ],
    ['the schema', 'extend schema @authenticated', 'schema @authenticated', 'SCHEMA'],
    [
      "a directive's argument",
      'directive @d(x: Int @authenticated) on OBJECT',
      '@d(x:) @authenticated',
      'ARGUMENT_DEFINITION',
    ],
  ])('for a rule on %s', (_, definition, coordinate, location) => {
    const { code, lines } = refusal(`type Query ${graph} { t: T } type T ${graph} { a: Int } ${definition}`);
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines).toContain(`${coordinate}: a rule on ${location} cannot be enforced`);
  });

  it('for a rule inside an operation, which no walk over a schema sees', () => {
    const { code, lines } = refusal(`type Query ${graph} { a: Int } query Q @authenticated { a }`);
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines).toContain('1 rules are applied and 0 were understood');
  });

  it.each([
    'authenticated',
    'requiresScopes',
    'policy',
    'federation__policy',
    'Authenticated',
    'fed__requiresScopes',
  ])('for @%s without a link that defines it', (name) => {
    const sdl = handWritten({
      links: [LINK, JOIN],
      definitions: `directive @${name} on OBJECT`,
      types: `type Query ${graph} @${name} { a: Int }`,
    });
    const { code, lines } = refusalOf(() => readSupergraph(sdl));
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines).toContainEqual(expect.stringContaining('looks like a rule'));
  });

  it('for the default name of a rule that its link renames', () => {
    const sdl = handWritten({
      links: [LINK, JOIN, '@link(url: "https://specs.apollo.dev/authenticated/v0.1", as: "loggedIn")'],
      definitions: 'directive @authenticated on OBJECT directive @loggedIn on OBJECT',
      types: `type Query ${graph} @authenticated { a: Int }`,
    });
    expect(refusalOf(() => readSupergraph(sdl)).lines).toContainEqual(expect.stringContaining('looks like'));
  });

  it.each(['requiresScopes__requiresScopes', 'requiresScopes__other'])(
    'for @%s, which its prefix claims and its specification lacks',
    (name) => {
      const sdl = handWritten({
        links: [LINK, JOIN, REQUIRES_SCOPES],
        definitions: `directive @${name} on OBJECT`,
        types: `type Query ${graph} @${name} { a: Int }`,
      });
      const { code, lines } = refusalOf(() => readSupergraph(sdl));
      expect(code).toBe('SUPERGRAPH_INVALID');
      expect(lines).toContainEqual(expect.stringContaining('has no directive of this name'));
    },
  );

  it.each([
    '@join__directive(graphs: [A], name: "authenticated", args: {})',
    '@join__directive(graphs: [A], name: "federation__policy", args: {policies: [["p"]]})',
    '@join__directive(graphs: [A], name: "link", args: {url: "https://specs.apollo.dev/policy/v0.1"})',
    '@join__directive(graphs: [A], name: "link", args: {url: "https://portcullis.dev/security/v1.0"})',
  ])('for a rule that is carried as data: %s', (carried) => {
    const { code, lines } = refusal(`type Query ${graph} ${carried} { a: Int }`);
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines).toContainEqual(expect.stringContaining('carried for one subgraph only'));
  });

  it.each([['security__lifecycle', 'Query.a', `type Query ${graph} { a: Int @security__lifecycle }`]])(
    'for @%s, which this version does not enforce',
    (name, coordinate, types) => {
      const definitions = `directive @${name} on OBJECT | FIELD_DEFINITION | ARGUMENT_DEFINITION`;
      const sdl = handWritten({ links: [LINK, JOIN, PORTCULLIS], definitions, types });
      const { code, lines } = refusalOf(() => readSupergraph(sdl));
      expect(code).toBe('SUPERGRAPH_INVALID');
      expect(lines).toEqual([`${coordinate} @${name}: this version does not enforce this directive`]);
    },
  );

  it('with every faulty rule told, and where', () => {
    const sdl = handWritten({
      types: `type Query ${graph} {
  a: Int @requiresScopes(scopes: [])
  b: Int @policy(policies: [[]])
}`,
    });
    try {
      readSupergraph(sdl);
      expect.unreachable();
    } catch (error) {
      const { details } = error as { details: { message: string; locations: { line: number }[] }[] };
      const lines = sdl.split('\n');
      const told = details.map(({ locations }) => lines[(locations[0]?.line ?? 0) - 1]?.trim());
      expect(told).toEqual(['a: Int @requiresScopes(scopes: [])', 'b: Int @policy(policies: [[]])']);
    }
  });

  it('where a rule has more alternatives than the bound, and not at it', () => {
    const rule = (count: number) =>
      `@requiresScopes(scopes: [${Array.from({ length: count }, (_, n) => `["s${n}"]`).join(' ')}])`;
    const types = (count: number) => `type Query ${graph} { a: Int ${rule(count)} }`;
    expect(refusal(types(CONJUNCTIONS_MAX)).code).toBe('none');
    expect(refusal(types(CONJUNCTIONS_MAX + 1)).code).toBe('SUPERGRAPH_INVALID');
  });
});

describe('linking without using', () => {
  it('is fine, also for directives that are not enforced', () => {
    const sdl = handWritten({
      links: [LINK, JOIN, POLICY, PORTCULLIS],
      definitions: `${CONSTRAINT_DEFINITION} directive @audit on OBJECT ${RULE_DEFINITIONS.split('\n').find((line) => line.startsWith('directive @policy'))} scalar policy__Policy`,
      types: `type Query ${graph} { a: Int }`,
    });
    const { types, fields, constraints } = policyOf(sdl);
    expect([types.size, fields.size, constraints.size]).toEqual([0, 0, 0]);
  });
});
