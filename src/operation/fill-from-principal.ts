import { GatewayError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import type { PrincipalClaim } from '../supergraph/policy.ts';
import type { FillNode, PrincipalInputs } from './operation.ts';

/**
 * Adds to coerced variables what an operation takes from the principal; what was coerced is not changed.
 * Throws: UNAUTHENTICATED for an anonymous caller, PRINCIPAL_CLAIM_MISSING for a credential that lacks the claim.
 */
export function fillFromPrincipal(
  inputs: PrincipalInputs | null,
  variables: Readonly<Record<string, unknown>>,
  principal: Principal,
): Readonly<Record<string, unknown>> {
  if (inputs === null) return variables;
  const filled: Record<string, unknown> = Object.assign(Object.create(null), variables);
  for (const { name, claim } of inputs.variables) filled[name] = claimOf(principal, claim);
  for (const { variable, nodes } of inputs.fills)
    filled[variable] = fill(filled[variable], { nodes, at: 0, principal });
  return filled;
}

function fill(
  value: unknown,
  where: { readonly nodes: readonly FillNode[]; readonly at: number; readonly principal: Principal },
): unknown {
  if (Array.isArray(value)) return value.map((item) => fill(item, where));
  const { nodes, at, principal } = where;
  const node = nodes[at];
  if (typeof value !== 'object' || value === null || node === undefined) return value;
  // The names are those of the schema, and it has none that an object literal treats specially.
  const filled: Record<string, unknown> = { ...value };
  for (const [name, next] of node.fields) {
    if (Object.hasOwn(filled, name)) filled[name] = fill(filled[name], { nodes, at: next, principal });
  }
  for (const [name, claim] of node.hidden) filled[name] = claimOf(principal, claim);
  return filled;
}

function claimOf(principal: Principal, claim: PrincipalClaim): string {
  if (principal.kind === 'anonymous') throw new GatewayError('UNAUTHENTICATED', { challenge: 'Bearer' });
  const values = {
    TENANT: principal.tenant,
    SUBJECT: principal.subject,
    APPLICATION: principal.application,
  } satisfies Record<PrincipalClaim, string | null>;
  const value = values[claim];
  if (value === null || value === '') throw new GatewayError('PRINCIPAL_CLAIM_MISSING');
  return value;
}
