import { type Actor, SYSTEM, SYSTEM_SCOPE } from '../../src/control/actor.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import { refuse } from '../kit/access.ts';
import type { SubgraphPrincipal } from '../kit/assertion.ts';

/** Scopes of who works for the platform. */
const { admin, approve, audit, models, security } = SYSTEM_SCOPE;
const STAFF: readonly string[] = [admin, approve, audit, models, security];

/** What says who is staff. */
export interface Staffing {
  readonly control: Pick<ControlPlane, 'tenants'>;
  /** Slug of the tenant whose people run the platform; null where they belong to none. */
  readonly provider: string | null;
}

/**
 * The actor of a caller: its tenant and its role there as the control plane knows them, its authentication as the gateway
 * asserts it. Staff belong to no tenant, or to the provider's where there is one, and hold a scope of the control plane; a
 * caller of any other tenant never acts beyond it, whatever its scopes say.
 * Throws: GraphQLError `FORBIDDEN` for who is neither staff nor of a tenant that is known.
 * Invariant: nothing of it comes from the arguments of an operation.
 */
export async function actorOf(
  { subject, tenant, scopes, kind, acr, amr, authTime }: SubgraphPrincipal,
  { control, provider }: Staffing,
): Promise<Actor> {
  const proven = { subject, scopes, acr, amr, authTime };
  if (kind === 'anonymous') throw refuse('FORBIDDEN', 'This needs an identified caller.');
  const isStaff = STAFF.some((scope) => scopes.has(scope));
  if (isStaff && tenant === provider)
    return Object.freeze({ ...proven, tenantId: null, isPlatform: true, role: null });
  if (tenant === null) throw refuse('FORBIDDEN', 'This needs a caller that belongs to a tenant.');
  const known = await control.tenants.bySlug(SYSTEM, tenant);
  if (known === null) throw refuse('FORBIDDEN', 'This needs a caller of a tenant that is known here.');
  const role = await control.tenants.roleOf(known.id, subject);
  return Object.freeze({ ...proven, tenantId: known.id, isPlatform: false, role });
}
