import { type Actor, SYSTEM_SCOPE } from '../../src/control/actor.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import type { IncidentState } from '../../src/control/incident-life.ts';
import type { SubscriptionState } from '../../src/control/subscription-life.ts';
import { refuse } from '../kit/access.ts';
import type { SubgraphResolvers } from '../kit/subgraph-server.ts';
import { connection } from './admin-answers.ts';
import { field, type PageArgs, pageOf, requireAnyScope } from './admin-field.ts';
import type { AdminContext } from './admin-loaders.ts';
import { aiBodyQueries } from './ai-body-fields.ts';
import { aiUsageQueries, myAiUsageQueries } from './ai-usage-queries.ts';
import { auditQueries } from './audit-queries.ts';
import { providerCredentialQueries } from './provider-credential-fields.ts';

const {
  admin: ADMIN,
  approve: APPROVE,
  audit: AUDIT,
  develop: DEVELOP,
  models: MODELS,
  security: SECURITY,
} = SYSTEM_SCOPE;

/** What is read. A caller of a tenant sees its tenant only; staff of the platform sees all. */
export function adminQueries(control: ControlPlane): SubgraphResolvers {
  const gate =
    (scopes: readonly string[]) =>
    (_: unknown, __: unknown, { principal }: AdminContext) => {
      requireAnyScope(principal, scopes);
      return {};
    };
  return {
    Query: { admin: gate([...STAFF, SECURITY, MODELS]), portal: gate([DEVELOP]) },
    ControlAdmin: {
      ...staffQueries(control),
      ...auditQueries(control),
      ...aiUsageQueries(control),
      ...providerCredentialQueries(control),
      ...aiBodyQueries(control),
    },
    ControlPortal: { ...portalQueries(control), ...myAiUsageQueries(control) },
  };
}

const STAFF = [ADMIN, APPROVE, AUDIT];
const TENANT_READERS = [ADMIN, AUDIT];
const SECURITY_READERS = [ADMIN, AUDIT, SECURITY];

function staffQueries(control: ControlPlane) {
  return {
    tenant: field(TENANT_READERS, (actor, { id }: { id: string }) => control.tenants.get(actor, id)),
    tenants: field(TENANT_READERS, async (actor, args: PageArgs) =>
      connection(await control.tenants.list(actor, pageOf(args))),
    ),
    members: field(TENANT_READERS, async (actor, { tenantId, ...page }: PageArgs & { tenantId: string }) =>
      connection(await control.tenants.listMembers(actor, tenantId, pageOf(page))),
    ),
    applications: field(
      TENANT_READERS,
      async (actor, { tenantId, ...page }: PageArgs & { tenantId?: string | null }) =>
        connection(await control.applications.list(actor, tenantId ?? null, pageOf(page))),
    ),
    credentials: field(
      TENANT_READERS,
      async (actor, { applicationId, ...page }: PageArgs & { applicationId: string }) =>
        connection(await control.credentials.list(actor, applicationId, pageOf(page))),
    ),
    products: field(STAFF, async (actor, args: PageArgs & { status?: string | null }) =>
      connection(await control.products.list(actor, { ...pageOf(args), status: args.status ?? undefined })),
    ),
    incident: field(SECURITY_READERS, (actor, { id }: { id: string }) => control.incidents.get(actor, id)),
    incidents: field(SECURITY_READERS, async (actor, { tenantId, state, rule, ...page }: IncidentArgs) =>
      connection(
        await control.incidents.list(actor, {
          ...pageOf(page),
          ...{ tenantId: tenantId ?? undefined, state: state ?? undefined, rule: rule ?? undefined },
        }),
      ),
    ),
    killSwitches: field(
      SECURITY_READERS,
      async (
        actor,
        { tenantId, inForce, ...page }: PageArgs & { tenantId?: string | null; inForce: boolean },
      ) =>
        connection(
          await control.killSwitches.list(actor, {
            ...pageOf(page),
            ...{ tenantId: tenantId ?? undefined, inForce },
          }),
        ),
    ),
    subscription: field(STAFF, (actor, { id }: { id: string }) => control.subscriptions.get(actor, id)),
    subscriptions: field(
      STAFF,
      async (actor, { tenantId, ...args }: SubscriptionArgs & { tenantId?: string | null }) =>
        connection(
          await control.subscriptions.list(actor, {
            ...pageOf(args),
            ...{ tenantId: tenantId ?? undefined, state: args.state ?? undefined },
          }),
        ),
    ),
  };
}

function portalQueries(control: ControlPlane) {
  return {
    catalogue: field([DEVELOP], async (actor, args: PageArgs) =>
      connection(await control.products.list(asConsumer(actor), { ...pageOf(args), status: 'published' })),
    ),
    myApplications: field([DEVELOP], async (actor, args: PageArgs) =>
      connection(await control.applications.list(actor, ownTenant(actor), pageOf(args))),
    ),
    myCredentials: field(
      [DEVELOP],
      async (actor, { applicationId, ...page }: PageArgs & { applicationId: string }) => {
        ownTenant(actor);
        return connection(await control.credentials.list(actor, applicationId, pageOf(page)));
      },
    ),
    mySubscriptions: field([DEVELOP], async (actor, args: SubscriptionArgs) =>
      connection(
        await control.subscriptions.list(actor, {
          ...pageOf(args),
          ...{ tenantId: ownTenant(actor), state: args.state ?? undefined },
        }),
      ),
    ),
  };
}

interface IncidentArgs extends PageArgs {
  readonly tenantId?: string | null;
  readonly state?: IncidentState | null;
  readonly rule?: string | null;
}

interface SubscriptionArgs extends PageArgs {
  readonly state?: SubscriptionState | null;
}

/** What everybody may ask for, also to who administers the platform. */
function asConsumer(actor: Actor): Actor {
  return { ...actor, isPlatform: false };
}

/** Throws: GraphQLError `FORBIDDEN` for who belongs to no tenant. */
function ownTenant({ tenantId }: Actor): string {
  if (tenantId === null) throw refuse('FORBIDDEN', 'This needs a caller that belongs to a tenant.');
  return tenantId;
}
