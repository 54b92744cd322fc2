import type { ControlPlane } from '../../src/control/control-plane.ts';
import type { ShownProviderCredential } from '../../src/control/provider-credential-rows.ts';
import type {
  ControlEvent,
  Credential,
  KillSwitch,
  Plan,
  Product,
  ProviderCredential,
  Subscription,
} from '../../src/control/tables.ts';
import type { SubgraphResolvers } from '../kit/subgraph-server.ts';
import { aiLimitsObjects } from './admin-ai-limits.ts';
import { reading, timeText } from './admin-answers.ts';
import type { AdminContext } from './admin-loaders.ts';
import { aiBodyObjects } from './ai-body-fields.ts';
import { aiUsageObjects } from './ai-usage-queries.ts';
import { auditObjects } from './audit-queries.ts';
import { incidentObjects } from './incident-objects.ts';

/** Entries of a history that one answer shows. */
const HISTORY_MAX = 100;

/** Fields of objects that their rows do not have as they are. */
export function adminObjects(control: ControlPlane): SubgraphResolvers {
  return {
    ControlCredential: {
      notBefore: ({ notBefore }: Credential) => timeText(notBefore),
      expiresAt: ({ expiresAt }: Credential) => timeText(expiresAt),
      graceUntil: ({ graceUntil }: Credential) => timeText(graceUntil),
      revokedAt: ({ revokedAt }: Credential) => timeText(revokedAt),
    },
    ControlProduct: {
      plans: ({ id }: Product, _: unknown, { loaders }: AdminContext) =>
        reading(async () => control.products.listPlans(await loaders.actor(), id)),
    },
    ControlPlan: {
      rate: ({ limits: { rate } }: Plan) =>
        rate === undefined ? null : { pointsPerSecond: rate.points, burst: rate.burst },
      costPerOperation: ({ limits }: Plan) => limits.costPerOperation ?? null,
      maxConcurrency: ({ limits }: Plan) => limits.concurrent ?? null,
      ai: ({ limits }: Plan) => limits.ai ?? null,
    },
    ...aiLimitsObjects,
    ...aiUsageObjects,
    ...aiBodyObjects,
    ControlSubscription: {
      requestedBy: ({ requester }: Subscription) => requester,
      startsAt: ({ startsAt }: Subscription) => timeText(startsAt),
      endsAt: ({ endsAt }: Subscription) => timeText(endsAt),
      application: ({ applicationId }: Subscription, _: unknown, { loaders }: AdminContext) =>
        loaders.application.load(applicationId),
      product: ({ productId }: Subscription, _: unknown, { loaders }: AdminContext) =>
        loaders.product.load(productId),
      plan: ({ planId }: Subscription, _: unknown, { loaders }: AdminContext) => loaders.plan.load(planId),
      history: ({ id }: Subscription, _: unknown, { loaders }: AdminContext) =>
        reading(async () => {
          const { items } = await control.history.of(await loaders.actor(), id, { first: HISTORY_MAX });
          return items;
        }),
    },
    ControlProviderCredential: {
      createdAt: ({ createdAt }: ProviderCredential) => timeText(createdAt),
      rotatedAt: ({ rotatedAt }: ProviderCredential) => timeText(rotatedAt),
      spentMicroUsd: ({ spentMicroUsd }: ShownProviderCredential) =>
        spentMicroUsd == null ? null : String(spentMicroUsd),
    },
    ControlKillSwitch: {
      target: ({ target }: KillSwitch) => (target === '' ? null : target),
      createdAt: ({ createdAt }: KillSwitch) => timeText(createdAt),
      expiresAt: ({ expiresAt }: KillSwitch) => timeText(expiresAt),
      liftedAt: ({ liftedAt }: KillSwitch) => timeText(liftedAt),
    },
    ControlHistoryEntry: {
      at: ({ at }: ControlEvent) => timeText(at),
      subject: ({ actor }: ControlEvent) => actor,
      reason: ({ after }: ControlEvent) => after?.['reason'] ?? null,
      state: ({ after }: ControlEvent) => after?.['state'] ?? null,
    },
    ...auditObjects(),
    ...incidentObjects(control),
    ...ENUMS,
  };
}

/** What the schema's values are called in the control plane. */
const ENUMS: SubgraphResolvers = {
  ControlTenantStatus: lowered('ACTIVE', 'SUSPENDED', 'CLOSING'),
  ControlMemberRole: {
    ...lowered('OWNER', 'ADMIN', 'APPROVER', 'DEVELOPER', 'AUDITOR'),
    SECURITY_OFFICER: 'securityOfficer',
  },
  ControlEnvironment: lowered('PRODUCTION', 'SANDBOX'),
  ControlApplicationStatus: lowered('ACTIVE', 'SUSPENDED', 'ARCHIVED'),
  ControlCredentialKind: {
    API_KEY: 'apiKey',
    OAUTH_CLIENT: 'oauthClient',
    MTLS: 'mtls',
    DPOP_JWK: 'dpopJwk',
  },
  ControlVisibility: lowered('PUBLIC', 'PRIVATE'),
  ControlApprovalKind: lowered('AUTO', 'SINGLE', 'DUAL'),
  ControlProductStatus: lowered('DRAFT', 'PUBLISHED', 'DEPRECATED', 'RETIRED'),
  ControlIncidentSeverity: lowered('LOW', 'MEDIUM', 'HIGH', 'CRITICAL'),
  ControlIncidentState: {
    ...lowered('OPEN', 'CONTAINED', 'ACKNOWLEDGED', 'RESOLVED'),
    FALSE_POSITIVE: 'falsePositive',
  },
  ControlProviderCredentialStatus: lowered('ACTIVE', 'DISABLED'),
  ControlSwitchKind: lowered('OPERATION', 'FIELD', 'SUBGRAPH', 'MUTATIONS'),
  ControlSpendPeriod: lowered('DAY', 'MONTH'),
  ControlPlanStatus: lowered('DRAFT', 'PUBLISHED'),
  ControlAuditDecision: lowered('PERMIT', 'FILTER', 'DENY', 'HOLD', 'NONE'),
};

function lowered(...values: readonly string[]): Record<string, string> {
  return Object.fromEntries(values.map((value) => [value, value.toLowerCase()]));
}
