import { isInputObjectType, isObjectType, printSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { readSupergraph } from '../../src/supergraph/read-supergraph.ts';
import { composeAll, handWritten, JOIN, LINK, policyOf, refusalOf, withTenantRules } from './graphs.ts';

const PORTCULLIS =
  '@link(url: "https://portcullis.dev/security/v1.0", import: ["@fromPrincipal", "@tenantScoped"])';
const DEFINITIONS = `
  directive @fromPrincipal(claim: security__PrincipalClaim!) on ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | FIELD_DEFINITION | OBJECT
  directive @tenantScoped(field: String! = "tenantId") on OBJECT | INTERFACE | FIELD_DEFINITION | UNION
  enum security__PrincipalClaim { TENANT SUBJECT APPLICATION }`;
const graph = '@join__type(graph: A)';
const TENANT = '@fromPrincipal(claim: TENANT)';

const written = (types: string): string =>
  handWritten({ links: [LINK, JOIN, PORTCULLIS], definitions: DEFINITIONS, types });
const refused = (types: string) => refusalOf(() => readSupergraph(written(types)));

describe('@tenantScoped', () => {
  it('is read with the field it names, or the default of the specification', () => {
    const policy = policyOf(
      written(`
        type Query ${graph} { a: A b: B }
        type A ${graph} @tenantScoped { tenantId: ID! }
        type B ${graph} @tenantScoped(field: "owner") { owner: String tenantId: Int }`),
    );
    expect([...policy.tenantFields]).toEqual([
      ['A', 'tenantId'],
      ['B', 'owner'],
    ]);
  });

  it.each([
    ['lacks the field', 'type T @tenantScoped { id: ID }', 'T has no field tenantId'],
    ['lacks the field it names', 'type T @tenantScoped(field: "x") { id: ID }', 'T has no field x'],
    ['has a number there', 'type T @tenantScoped { tenantId: Int }', 'T.tenantId must be an ID or a String'],
    ['has a list there', 'type T @tenantScoped { tenantId: [ID!] }', 'T.tenantId must be an ID or a String'],
    ['has an object there', 'type T @tenantScoped { tenantId: T }', 'T.tenantId must be an ID or a String'],
    [
      'has a field with arguments there',
      'type T @tenantScoped { tenantId(of: ID): ID }',
      'T.tenantId must take no arguments',
    ],
    ['is named with no string', 'type T @tenantScoped(field: 1) { tenantId: ID }', 'field must be a string'],
    [
      'is named by another argument',
      'type T @tenantScoped(key: "x") { tenantId: ID }',
      'it takes only the argument field',
    ],
    [
      'is an interface',
      'interface T @tenantScoped { tenantId: ID }',
      'owners of INTERFACE cannot be compared: apply it to object types',
    ],
    [
      'is a field',
      'type T { tenantId: ID @tenantScoped }',
      'owners of FIELD_DEFINITION cannot be compared: apply it to object types',
    ],
  ])('is refused where the type %s', (_, type, fault) => {
    const { code, lines } = refused(
      `type Query ${graph} { t: T } ${type.replace(/(type|interface) T/, `$1 T ${graph}`)}`,
    );
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines[0]).toContain(fault);
  });

  it('is refused on a root type', () => {
    const { lines } = refused(`type Query ${graph} @tenantScoped { tenantId: ID }`);
    expect(lines).toEqual(['Query @tenantScoped: a root type belongs to no tenant']);
  });

  it('is refused where it is given twice', () => {
    const type = `type T ${graph} @tenantScoped @tenantScoped(field: "id") { id: ID tenantId: ID }`;
    const { code, lines } = refused(`type Query ${graph} { t: T } ${type}`);
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines).toContainEqual(expect.stringContaining('the rule is given twice'));
  });

  it('reads an owner that clients cannot see, and leaves it to the planner', () => {
    const supergraph = readSupergraph(
      composeAll({
        a: withTenantRules('type Query { t: T } type T @tenantScoped { id: ID tenantId: ID @inaccessible }'),
      }),
    );
    expect(printSchema(supergraph.apiSchema)).not.toContain('tenantId');
    expect(supergraph.strippedSdl).toMatch(/tenantId: ID\n/);
  });
});

describe('@fromPrincipal', () => {
  const policy = policyOf(
    written(`
      type Query ${graph} { a(tenant: ID! ${TENANT}, n: Int): Int b(in: In): Int }
      input In ${graph} { by: String @fromPrincipal(claim: SUBJECT) app: ID @fromPrincipal(claim: APPLICATION) n: Int deep: [In!] }`),
  );

  it('is read with the claim and the type it fills', () => {
    expect(Object.fromEntries(policy.hidden)).toEqual({
      'Query.a(tenant:)': { claim: 'TENANT', typeName: 'ID' },
      'In.by': { claim: 'SUBJECT', typeName: 'String' },
      'In.app': { claim: 'APPLICATION', typeName: 'ID' },
    });
  });

  it('takes what it fills out of the schema that clients see, and leaves it to the planner', () => {
    const { apiSchema, strippedSdl } = readSupergraph(
      composeAll({
        a: withTenantRules(`type Query { a(tenant: ID! ${TENANT}, n: Int): Int b(in: In): Int }
          input In { by: String @fromPrincipal(claim: SUBJECT) @inaccessible n: Int }`),
      }),
    );
    const query = apiSchema.getQueryType();
    expect(query?.getFields()['a']?.args.map(({ name }) => name)).toEqual(['n']);
    const input = apiSchema.getType('In');
    expect(isInputObjectType(input) && Object.keys(input.getFields())).toEqual(['n']);
    expect(isObjectType(query) && printSchema(apiSchema)).not.toMatch(/tenant|fromPrincipal|PrincipalClaim/);
    expect(strippedSdl).toContain('a(tenant: ID!, n: Int)');
    expect(strippedSdl).toMatch(/by: String\n/);
  });

  it('is read under another name', () => {
    const renamed = withTenantRules(`type Query { a(x: ID ${TENANT}): Int }`)
      .replace('"@fromPrincipal", "@tenantScoped"', '{ name: "@fromPrincipal", as: "@given" }')
      .replace('@composeDirective(name: "@tenantScoped")', '')
      .replace('directive @tenantScoped(field: String! = "tenantId") on OBJECT', '')
      .replaceAll('@fromPrincipal', '@given')
      .replace('name: "@given", as', 'name: "@fromPrincipal", as');
    expect([...policyOf(composeAll({ a: renamed })).hidden.keys()]).toEqual(['Query.a(x:)']);
  });

  it.each([
    [
      'an unknown claim',
      'x: ID @fromPrincipal(claim: ROLES)',
      'claim must be one of TENANT, SUBJECT, APPLICATION',
    ],
    ['a claim as text', 'x: ID @fromPrincipal(claim: "TENANT")', 'claim must be one of'],
    ['no claim', 'x: ID @fromPrincipal', 'it takes exactly the argument claim'],
    ['an argument more', 'x: ID @fromPrincipal(claim: TENANT, of: 1)', 'it takes exactly the argument claim'],
    ['a number to fill', `x: Int ${TENANT}`, 'only an ID or a String can be filled'],
    ['a list to fill', `x: [ID!] ${TENANT}`, 'only an ID or a String can be filled'],
    ['an enum to fill', `x: security__PrincipalClaim ${TENANT}`, 'only an ID or a String can be filled'],
  ])('is refused for %s', (_, argument, fault) => {
    const { code, lines } = refused(`type Query ${graph} { a(${argument}): Int }`);
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines[0]).toContain(fault);
  });

  it.each([
    ['a field', `type Query ${graph} { a: ID ${TENANT} }`],
    ['an object', `type Query ${graph} ${TENANT} { a: ID }`],
    ['an argument of a directive', `type Query ${graph} { a: ID } directive @x(y: ID ${TENANT}) on FIELD`],
  ])('is refused on %s', (_, types) => {
    const { code, lines } = refused(types);
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines[0]).toContain('cannot be filled');
  });

  it('is refused where it leaves an input type without fields', () => {
    const { code } = refused(`type Query ${graph} { a(in: In): Int } input In ${graph} { x: ID ${TENANT} }`);
    expect(code).toBe('SUPERGRAPH_INVALID');
  });
});

describe('an interface with @fromPrincipal', () => {
  const graphOf = (onInterface: string, onObject: string, more = '') =>
    `type Query ${graph} { i: I } interface I ${graph} { f(${onInterface}): Int }
     type A implements I ${graph} { f(${onObject}): Int } ${more}`;

  it('hides the argument of every implementation', () => {
    const { hidden } = policyOf(written(graphOf(`x: ID ${TENANT}`, 'x: ID')));
    expect([...hidden.keys()].sort()).toEqual(['A.f(x:)', 'I.f(x:)']);
  });

  it('hides it on what implements it by an interface object', () => {
    const { hidden } = policyOf(
      composeAll({
        a: withTenantRules(
          'type Query { i: I } interface I @key(fields: "id") { id: ID } type A implements I @key(fields: "id") { id: ID }',
          [],
        ).replaceAll(/@link\(url: "https:\/\/portcullis[^)]*\)|directive @\w+\(.*|enum security.*/g, ''),
        b: withTenantRules(`type I @key(fields: "id") @interfaceObject { id: ID f(x: ID ${TENANT}): Int }`),
      }),
    );
    expect([...hidden.keys()].sort()).toEqual(['A.f(x:)', 'I.f(x:)']);
  });

  it.each([
    [
      'shows what an implementation hides',
      graphOf('x: ID', `x: ID ${TENANT}`),
      'A.f(x:) @fromPrincipal: I.f(x:)',
    ],
    [
      'does not have what an implementation hides',
      `type Query ${graph} { i: I } interface I ${graph} { f: Int } type A implements I ${graph} { f(x: ID ${TENANT}): Int }`,
      'A.f(x:) @fromPrincipal: I.f(x:)',
    ],
    [
      'fills it from another claim',
      graphOf(`x: ID @fromPrincipal(claim: SUBJECT)`, `x: ID ${TENANT}`),
      'two different claims of @fromPrincipal meet',
    ],
    [
      'hides what a second one shows',
      `type Query ${graph} { i: I } interface I ${graph} { f(x: ID ${TENANT}): Int } interface J ${graph} { f(x: ID): Int }
       type A implements I & J ${graph} { f(x: ID): Int }`,
      'A.f(x:) @fromPrincipal: J.f(x:)',
    ],
  ])('is refused where it %s', (_, types, fault) => {
    const { code, lines } = refused(types);
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines).toContainEqual(expect.stringContaining(fault));
  });
});

describe('where a subgraph would get an input unfilled, the supergraph is refused:', () => {
  const input = `input In ${graph} { t: ID ${TENANT} n: Int } input Out ${graph} { in: In n: Int }`;

  it.each([
    ['a default of an argument', `a(in: In = { n: 1 }): Int`],
    ['a default in a list', `a(in: [In!] = [{ n: 1 }]): Int`],
    ['a default around it', `a(in: Out = { in: { n: 1 } }): Int`],
    ['a default that gives it', `a(in: In = { t: "globex" }): Int`],
  ])('%s', (_, field) => {
    const { code, lines } = refused(`type Query ${graph} { ${field} } ${input}`);
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines).toContainEqual(
      expect.stringContaining('its default value lacks what @fromPrincipal fills in'),
    );
  });

  it('a default of an input field', () => {
    const { lines } = refused(
      `type Query ${graph} { a(in: Deep): Int } input Deep ${graph} { in: In = { n: 1 } } ${input}`,
    );
    expect(lines).toContainEqual(expect.stringContaining('Deep in: its default value lacks'));
  });

  it('but not for defaults that hold no object', () => {
    const types = `type Query ${graph} { a(in: In = null, all: [In!] = []): Int } ${input}`;
    expect(refused(types).code).toBe('none');
  });

  it.each([
    ['what a field requires', 'requires: "orders { id }"', 'orders'],
    ['what a field requires below another', 'requires: "self { orders { id } }"', 'orders'],
    ['what a field requires of a type', 'requires: "... on T { orders { id } }"', 'orders'],
  ])('%s', (_, requires, name) => {
    const { code, lines } = refused(
      `type Query ${graph} { t: T }
       type T ${graph} { id: ID self: T orders(x: ID ${TENANT}): [T] count: Int @join__field(graph: A, ${requires}) }`,
    );
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines).toContainEqual(
      expect.stringContaining(`asks for T.${name}, whose arguments @fromPrincipal fills in`),
    );
  });
});
