import { GatewayError } from '../../src/errors.ts';
import { composeSupergraph } from '../../src/supergraph/compose.ts';
import type { SecurityPolicy } from '../../src/supergraph/policy.ts';
import { readSupergraph } from '../../src/supergraph/read-supergraph.ts';

/** Composes one SDL per name; the link to federation is theirs to state. */
export function composeAll(subgraphs: Readonly<Record<string, string>>): string {
  return composeSupergraph(
    Object.entries(subgraphs).map(([name, sdl]) => ({ name, url: `http://${name}.test/graphql`, sdl })),
  ).sdl;
}

export function policyOf(sdl: string): SecurityPolicy {
  return readSupergraph(sdl).policy;
}

/** The code and the lines of what is thrown. */
export function refusalOf(run: () => unknown): { readonly code: string; readonly lines: readonly string[] } {
  try {
    run();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { code: error.code, lines: error.details.map(({ message }) => message) };
  }
  return { code: 'none', lines: [] };
}

const HEADER = `
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean, overrideLabel: String) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__directive(graphs: [join__Graph!], name: String!, args: join__DirectiveArguments) repeatable on SCHEMA | OBJECT | INTERFACE | FIELD_DEFINITION
scalar join__FieldSet
scalar join__DirectiveArguments
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { A @join__graph(name: "a", url: "http://a.test/graphql") }
`;

export const LINK = '@link(url: "https://specs.apollo.dev/link/v1.0")';
export const JOIN = '@link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)';
export const AUTHENTICATED = '@link(url: "https://specs.apollo.dev/authenticated/v0.1", for: SECURITY)';
export const REQUIRES_SCOPES = '@link(url: "https://specs.apollo.dev/requiresScopes/v0.1", for: SECURITY)';
export const POLICY = '@link(url: "https://specs.apollo.dev/policy/v0.1", for: SECURITY)';
export const PORTCULLIS =
  '@link(url: "https://portcullis.dev/security/v1.0", import: ["@constraint", "@audit", "@tenantScoped"])';

const RULE_LOCATIONS =
  'FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM | UNION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | INPUT_OBJECT | ENUM_VALUE | SCHEMA';

/** Definitions with more locations than the specifications give, so that misplaced rules reach our own judgement. */
export const RULE_DEFINITIONS = `
directive @authenticated on ${RULE_LOCATIONS}
directive @requiresScopes(scopes: [[requiresScopes__Scope!]!]!) on ${RULE_LOCATIONS}
directive @policy(policies: [[policy__Policy!]!]!) on ${RULE_LOCATIONS}
scalar requiresScopes__Scope
scalar policy__Policy
`;

export const CONSTRAINT_DEFINITION =
  'directive @constraint(minLength: Int, maxLength: Int, pattern: String, min: Float, max: Float, format: String, minItems: Int, maxItems: Int) on ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | FIELD_DEFINITION';

/** A supergraph as older or careless tools write one: links and types as given, no composition in between. */
export function handWritten(options: {
  readonly links?: readonly string[];
  readonly definitions?: string;
  readonly types: string;
}): string {
  const links = options.links ?? [LINK, JOIN, AUTHENTICATED, REQUIRES_SCOPES, POLICY];
  const definitions = options.definitions ?? RULE_DEFINITIONS;
  return `schema ${links.join('\n  ')} { query: Query }\n${HEADER}\n${definitions}\n${options.types}`;
}

/** A subgraph that links the rules of tenants and composes those that are named. */
export const withTenantRules = (types: string, names = ['fromPrincipal', 'tenantScoped']): string => `
  extend schema
    @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@requires", "@external", "@interfaceObject", "@inaccessible", "@composeDirective"])
    @link(url: "https://portcullis.dev/security/v1.0", import: ["@fromPrincipal", "@tenantScoped"])
    ${names.map((name) => `@composeDirective(name: "@${name}")`).join(' ')}
  directive @fromPrincipal(claim: security__PrincipalClaim!) on ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION
  directive @tenantScoped(field: String! = "tenantId") on OBJECT
  enum security__PrincipalClaim { TENANT SUBJECT APPLICATION }
  ${types}`;
