/** Namespace of every entity type that a policy may name. */
export const POLICY_NAMESPACE = 'Portcullis';

/**
 * What a policy may ask about: who calls (by kind), from which tenant, in which roles, and which operation.
 * Actions are not listed: each name that `@policy` uses becomes one when policies are validated.
 * Attributes marked optional are absent, never empty, where the credential does not say.
 */
export const POLICY_SCHEMA = `namespace Portcullis {
  entity Tenant;
  entity Role;
  entity User, Service, Agent, Anonymous in [Tenant, Role] {
    tenant?: String,
    application?: String,
    issuer?: String,
    acr?: String,
    amr: Set<String>,
    scopes: Set<String>,
    roles: Set<String>,
    kind: String,
    authenticated: Bool,
  };
  entity Operation {
    name?: String,
    type: String,
  };
}
`;

/** The kinds of caller, as entity types. */
export const CALLER_TYPES = ['User', 'Service', 'Agent', 'Anonymous'] as const;
