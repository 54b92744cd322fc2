import { type MemberRole, SYSTEM_SCOPE } from '../../src/control/actor.ts';
import { ControlError, invalidInput } from '../../src/control/control-error.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import type { Application, PlanLimits, Product } from '../../src/control/tables.ts';
import type { SubgraphResolvers } from '../kit/subgraph-server.ts';
import { type AiLimitsArgs, aiLimitsOf } from './admin-ai-limits.ts';
import { aiBodyChanges } from './ai-body-fields.ts';
import { changing, type Keyed, type WithReason } from './changing.ts';
import { providerCredentialChanges } from './provider-credential-fields.ts';
import { securityChanges } from './security-changes.ts';

interface StepArgs extends WithReason<'subscriptionId'> {
  readonly expectedVersion: number;
}
interface DecisionArgs extends Keyed {
  readonly subscriptionId: string;
  readonly requestVersion: number;
  readonly comment?: string | null;
}
interface PlanArgs extends Keyed {
  readonly productId: string;
  readonly name: string;
  readonly rate?: { readonly pointsPerSecond: number; readonly burst: number } | null;
  readonly costPerOperation?: number | null;
  readonly maxConcurrency?: number | null;
  readonly termDays?: number | null;
  readonly ai?: AiLimitsArgs | null;
}

const STAFF = [SYSTEM_SCOPE.admin];
const DEVELOPERS = [SYSTEM_SCOPE.admin, SYSTEM_SCOPE.develop];
const APPROVERS = [SYSTEM_SCOPE.approve];

/** What is changed. The control plane judges the actor of every call by itself. */
export function adminChanges(control: ControlPlane, provider: string | null): SubgraphResolvers {
  return {
    Mutation: {
      ...tenantChanges(control, provider),
      ...applicationChanges(control),
      ...productChanges(control),
      ...requestChanges(control),
      ...subscriptionChanges(control),
      ...securityChanges(control),
      ...providerCredentialChanges(control),
      ...aiBodyChanges(control),
    },
  };
}

function tenantChanges({ tenants }: ControlPlane, provider: string | null) {
  return {
    controlCreateTenant: changing(
      'tenant',
      STAFF,
      (actor, { slug, name, owner }: Keyed & { slug: string; name: string; owner: string }, idempotencyKey) =>
        tenants.create(actor, { slug, name, owner, idempotencyKey }),
    ),
    controlSuspendTenant: changing(
      'tenant',
      STAFF,
      async (actor, input: WithReason<'tenantId'>, idempotencyKey) => {
        const own = provider === null ? null : await tenants.bySlug(actor, provider);
        // Nobody would be left to resume it.
        if (own?.id === input.tenantId)
          throw new ControlError({ code: 'CONFLICT', reason: 'the tenant of the staff is not suspended' });
        return tenants.suspend(actor, input.tenantId, { reason: input.reason, idempotencyKey });
      },
    ),
    controlResumeTenant: changing('tenant', STAFF, (actor, input: WithReason<'tenantId'>, idempotencyKey) =>
      tenants.resume(actor, input.tenantId, { reason: input.reason, idempotencyKey }),
    ),
    controlSetMember: changing(
      'member',
      STAFF,
      (
        actor,
        { tenantId, subject, role }: Keyed & { tenantId: string; subject: string; role: MemberRole },
        idempotencyKey,
      ) => tenants.setMember(actor, { tenantId, subject, role, idempotencyKey }),
    ),
    controlRemoveMember: changing(
      'member',
      STAFF,
      (actor, { tenantId, subject }: Keyed & { tenantId: string; subject: string }, idempotencyKey) =>
        tenants.removeMember(actor, { tenantId, subject, idempotencyKey }),
    ),
  };
}

function applicationChanges({ applications, credentials }: ControlPlane) {
  const step = (name: 'suspend' | 'resume' | 'archive') =>
    changing('application', STAFF, (actor, input: WithReason<'applicationId'>, idempotencyKey) =>
      applications.step(actor, { id: input.applicationId, step: name, reason: input.reason, idempotencyKey }),
    );
  return {
    controlCreateApplication: changing(
      'application',
      DEVELOPERS,
      (
        actor,
        input: Keyed & { tenantId?: string | null; name: string; environment: Application['environment'] },
        idempotencyKey,
      ) => {
        const tenantId = input.tenantId ?? actor.tenantId;
        if (tenantId === null) throw invalidInput('tenantId', 'is needed from who belongs to no tenant');
        const { name, environment } = input;
        return applications.create(actor, { tenantId, name, environment, idempotencyKey });
      },
    ),
    controlSuspendApplication: step('suspend'),
    controlResumeApplication: step('resume'),
    controlArchiveApplication: step('archive'),
    controlRegisterOauthClient: changing(
      'credential',
      DEVELOPERS,
      (actor, input: Keyed & { applicationId: string; clientId: string }, idempotencyKey) => {
        const { applicationId, clientId } = input;
        return credentials.registerOauthClient(actor, { applicationId, clientId, idempotencyKey });
      },
    ),
    ...keyChanges(credentials),
  };
}

function keyChanges(credentials: ControlPlane['credentials']) {
  /** Puts the secret beside the credential, where the schema has it. */
  const issued = async (answer: Promise<Readonly<Record<string, unknown>>>) => {
    const { issued: made, errors } = await answer;
    return { ...(made as object | null), errors };
  };
  const create = changing(
    'issued',
    DEVELOPERS,
    (
      actor,
      input: Keyed & { applicationId: string; scopes: string[]; expiresAt?: string | null },
      idempotencyKey,
    ) => {
      const { applicationId, scopes, expiresAt } = input;
      const ends = expiresAt == null ? {} : { expiresAt: Date.parse(expiresAt) };
      return credentials.createApiKey(actor, { applicationId, scopes, ...ends, idempotencyKey });
    },
  );
  const rotate = changing(
    'issued',
    DEVELOPERS,
    (actor, input: Keyed & { credentialId: string; graceSeconds: number }, idempotencyKey) => {
      const { credentialId: id, graceSeconds } = input;
      return credentials.rotate(actor, { id, graceSeconds, idempotencyKey });
    },
  );
  return {
    controlCreateApiKey: (...call: Parameters<typeof create>) => issued(create(...call)),
    controlRotateCredential: (...call: Parameters<typeof rotate>) => issued(rotate(...call)),
    controlRevokeCredential: changing(
      'credential',
      DEVELOPERS,
      (actor, input: WithReason<'credentialId'>, idempotencyKey) =>
        credentials.revoke(actor, { id: input.credentialId, reason: input.reason, idempotencyKey }),
    ),
  };
}

type ProductInput = Keyed &
  Pick<Product, 'name' | 'description' | 'coordinates' | 'tags' | 'visibility' | 'approval'>;

function productChanges({ products }: ControlPlane) {
  const step = (name: 'publish' | 'deprecate' | 'retire') =>
    changing('product', STAFF, (actor, { productId: id }: Keyed & { productId: string }, idempotencyKey) =>
      products.step(actor, { id, step: name, idempotencyKey }),
    );
  return {
    controlCreateProduct: changing('product', STAFF, (actor, input: ProductInput, idempotencyKey) => {
      const { name, description, coordinates, tags, visibility, approval } = input;
      const terms = { name, description, coordinates, tags, visibility, approval };
      return products.create(actor, { ...terms, idempotencyKey });
    }),
    controlPublishProduct: step('publish'),
    controlDeprecateProduct: step('deprecate'),
    controlRetireProduct: step('retire'),
    controlCreatePlan: changing('plan', STAFF, (actor, input: PlanArgs, idempotencyKey) => {
      const { productId, name, termDays = null } = input;
      return products.createPlan(actor, {
        productId,
        name,
        termDays,
        limits: limitsOf(input),
        idempotencyKey,
      });
    }),
    controlPublishPlan: changing(
      'plan',
      STAFF,
      (actor, { planId: id }: Keyed & { planId: string }, idempotencyKey) =>
        products.publishPlan(actor, { id, idempotencyKey }),
    ),
  };
}

function limitsOf({ rate, costPerOperation, maxConcurrency, ai }: PlanArgs): PlanLimits {
  return {
    ...(rate == null ? {} : { rate: { points: rate.pointsPerSecond, burst: rate.burst } }),
    ...(costPerOperation == null ? {} : { costPerOperation }),
    ...(ai == null ? {} : { ai: aiLimitsOf(ai) }),
    ...(maxConcurrency == null ? {} : { concurrent: maxConcurrency }),
  };
}

function requestChanges({ requests }: ControlPlane) {
  const decide = (decision: 'approve' | 'reject') =>
    changing('subscription', APPROVERS, (actor, input: DecisionArgs, idempotencyKey) => {
      const { subscriptionId: id, requestVersion, comment } = input;
      return requests.decide(actor, { id, decision, requestVersion, comment: comment ?? '', idempotencyKey });
    });
  return {
    controlRequestAccess: changing(
      'subscription',
      DEVELOPERS,
      (actor, input: Keyed & { applicationId: string; planId: string; reason: string }, idempotencyKey) => {
        const { applicationId, planId, reason } = input;
        return requests.submit(actor, { applicationId, planId, reason, idempotencyKey });
      },
    ),
    controlEditRequest: changing(
      'subscription',
      DEVELOPERS,
      (actor, input: StepArgs & { planId: string }, key) =>
        requests.edit(actor, { ...stepOf(input, key), planId: input.planId }),
    ),
    controlRenewSubscription: changing(
      'subscription',
      DEVELOPERS,
      (actor, input: StepArgs & { planId: string }, key) =>
        requests.renew(actor, { ...stepOf(input, key), planId: input.planId }),
    ),
    controlWithdrawRequest: changing('subscription', DEVELOPERS, (actor, input: StepArgs, key) =>
      requests.withdraw(actor, stepOf(input, key)),
    ),
    controlApproveRequest: decide('approve'),
    controlRejectRequest: decide('reject'),
  };
}

function subscriptionChanges({ subscriptions }: ControlPlane) {
  const administer = (name: 'suspend' | 'resume' | 'revoke') =>
    changing('subscription', STAFF, (actor, input: StepArgs, key) =>
      subscriptions[name](actor, stepOf(input, key)),
    );
  return {
    controlSuspendSubscription: administer('suspend'),
    controlResumeSubscription: administer('resume'),
    controlRevokeSubscription: administer('revoke'),
    controlCancelSubscription: changing('subscription', DEVELOPERS, (actor, input: StepArgs, key) =>
      subscriptions.cancel(actor, stepOf(input, key)),
    ),
  };
}

function stepOf(
  { subscriptionId: id, reason, expectedVersion }: StepArgs,
  idempotencyKey: string | undefined,
) {
  return { id, reason, expectedVersion, idempotencyKey };
}
