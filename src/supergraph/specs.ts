/** One specification that a supergraph may link and this gateway understands. */
export interface KnownSpec {
  /** URL without the version. */
  readonly identity: string;
  readonly versions: ReadonlySet<string>;
  /** Elements that can be imported, directives with their `@`; null where federation's own library judges them. */
  readonly elements: ReadonlySet<string> | null;
  /** True where its directives are rules that the gateway itself enforces, and so must extract completely. */
  readonly enforced: boolean;
}

export const LINK_IDENTITY = 'https://specs.apollo.dev/link';
export const CORE_IDENTITY = 'https://specs.apollo.dev/core';
export const FEDERATION_IDENTITY = 'https://specs.apollo.dev/federation';
export const JOIN_IDENTITY = 'https://specs.apollo.dev/join';
export const AUTHENTICATED_IDENTITY = 'https://specs.apollo.dev/authenticated';
export const REQUIRES_SCOPES_IDENTITY = 'https://specs.apollo.dev/requiresScopes';
export const POLICY_IDENTITY = 'https://specs.apollo.dev/policy';
export const COST_IDENTITY = 'https://specs.apollo.dev/cost';
export const TAG_IDENTITY = 'https://specs.apollo.dev/tag';
export const INACCESSIBLE_IDENTITY = 'https://specs.apollo.dev/inaccessible';
export const PORTCULLIS_IDENTITY = 'https://portcullis.dev/security';

/** The directives of our own specification, and whether this version of the gateway enforces them. */
export const PORTCULLIS_DIRECTIVES: ReadonlyMap<string, boolean> = new Map([
  ['constraint', true],
  ['fromPrincipal', true],
  ['tenantScoped', true],
  ['stepUp', true],
  ['audit', true],
  ['lifecycle', false],
  ['sensitive', true],
]);

const PORTCULLIS_TYPES = ['PrincipalClaim', 'AuditLevel', 'LifecycleStage', 'SensitiveClass', 'MaskStyle'];

function spec(identity: string, versions: readonly string[], elements: readonly string[] | null): KnownSpec {
  return {
    identity,
    versions: new Set(versions),
    elements: elements === null ? null : new Set(elements),
    enforced: elements !== null,
  };
}

/**
 * Known specifications by identity. Join v0.1 is federation 1, which composes no rules at all, and is left out.
 * `context` and `connect` are left out too: they are linked for security or execution, and nothing here honours them.
 * Source: the versions that `@apollo/federation-internals` 2.14 reads.
 */
export const KNOWN_SPECS: ReadonlyMap<string, KnownSpec> = new Map(
  [
    spec(LINK_IDENTITY, ['v1.0'], null),
    spec(JOIN_IDENTITY, ['v0.2', 'v0.3', 'v0.4', 'v0.5'], null),
    spec(TAG_IDENTITY, ['v0.1', 'v0.2', 'v0.3'], null),
    spec(INACCESSIBLE_IDENTITY, ['v0.1', 'v0.2'], null),
    spec(COST_IDENTITY, ['v0.1'], null),
    spec(AUTHENTICATED_IDENTITY, ['v0.1'], ['@authenticated']),
    spec(REQUIRES_SCOPES_IDENTITY, ['v0.1'], ['@requiresScopes', 'Scope']),
    spec(POLICY_IDENTITY, ['v0.1'], ['@policy', 'Policy']),
    spec(
      PORTCULLIS_IDENTITY,
      ['v1.0'],
      [...[...PORTCULLIS_DIRECTIVES.keys()].map((name) => `@${name}`), ...PORTCULLIS_TYPES],
    ),
  ].map((known) => [known.identity, known] as const),
);

const SECURITY_WORDS = new Set(['authenticated', 'requiresscopes', 'policy']);
const OUR_HOSTS = new Set(['specs.apollo.dev', 'portcullis.dev']);

/** True for the spelling of a federation rule, whatever its case or prefix. */
export function looksLikeRule(name: string): boolean {
  return SECURITY_WORDS.has(
    name
      .slice(name.lastIndexOf('__') + 1)
      .replace(/^_/, '')
      .toLowerCase(),
  );
}

/** True where a link that is not known was likely meant to be one that is: another scheme, case or host form. */
export function resemblesEnforcedSpec(identity: string): boolean {
  const { hostname, pathname } = new URL(identity);
  if (!OUR_HOSTS.has(hostname.replace(/\.$/, ''))) return false;
  const name = pathname.slice(pathname.lastIndexOf('/') + 1).toLowerCase();
  return SECURITY_WORDS.has(name) || hostname.startsWith('portcullis.dev');
}
