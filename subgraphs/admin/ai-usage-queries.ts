import { SYSTEM_SCOPE } from '../../src/control/actor.ts';
import type { AiSpend, AiSpendBy, AiUsage } from '../../src/control/ai-usage-store.ts';
import { invalidInput } from '../../src/control/control-error.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import { refuse } from '../kit/access.ts';
import type { SubgraphResolvers } from '../kit/subgraph-server.ts';
import { connection, timeText } from './admin-answers.ts';
import { field, type PageArgs, pageOf } from './admin-field.ts';

interface UsageArgs {
  readonly tenantId?: string | null;
  readonly applicationId?: string | null;
  readonly since?: string | null;
  readonly until?: string | null;
}
interface SpendArgs extends UsageArgs {
  readonly since: string;
  readonly until: string;
  readonly by: AiSpendBy;
}

const READERS = [SYSTEM_SCOPE.admin, SYSTEM_SCOPE.audit];
const DEVELOPERS = [SYSTEM_SCOPE.develop];

/** What calls of AI models took. A caller of a tenant sees its tenant only; staff of the platform sees all. */
export function aiUsageQueries({ aiUsage }: ControlPlane) {
  return {
    aiUsage: field(READERS, async (actor, { first, after, ...filter }: PageArgs & UsageArgs) =>
      connection(await aiUsage.list(actor, filterOf(filter), pageOf({ first, after: after ?? null }))),
    ),
    aiSpend: field(READERS, (actor, { by, ...filter }: SpendArgs) =>
      aiUsage.spend(actor, spanOf(filter), by),
    ),
  };
}

/** The same of the caller's own tenant, for who develops its applications. */
export function myAiUsageQueries({ aiUsage }: ControlPlane) {
  const own = <Filter extends UsageArgs>(tenantId: string | null, filter: Filter) => {
    if (tenantId === null) throw refuse('FORBIDDEN', 'This needs a caller that belongs to a tenant.');
    return { ...filter, tenantId };
  };
  return {
    myAiUsage: field(DEVELOPERS, async (actor, { first, after, ...filter }: PageArgs & UsageArgs) =>
      connection(
        await aiUsage.list(
          actor,
          filterOf(own(actor.tenantId, filter)),
          pageOf({ first, after: after ?? null }),
        ),
      ),
    ),
    myAiSpend: field(DEVELOPERS, (actor, { by, ...filter }: SpendArgs) =>
      aiUsage.spend(actor, spanOf(own(actor.tenantId, filter)), by),
    ),
  };
}

/** Fields that the rows do not have as the schema shows them; money is told in digits. */
export const aiUsageObjects: SubgraphResolvers = {
  ControlAiUsage: {
    reservedMicroUsd: ({ reservedMicroUsd }: AiUsage) => String(reservedMicroUsd),
    settledMicroUsd: ({ settledMicroUsd }: AiUsage) =>
      settledMicroUsd === null ? null : String(settledMicroUsd),
    savedMicroUsd: ({ savedMicroUsd }: AiUsage) => String(savedMicroUsd),
    at: ({ at }: AiUsage) => timeText(at),
    settledAt: ({ settledAt }: AiUsage) => timeText(settledAt),
    findings: ({ findings }: AiUsage) => findings ?? [],
  },
  ControlAiSpend: {
    key: ({ key }: AiSpend) => (key === '' ? null : key),
    tokens: ({ tokens }: AiSpend) => String(tokens),
    microUsd: ({ microUsd }: AiSpend) => String(microUsd),
    reservedMicroUsd: ({ reservedMicroUsd }: AiSpend) => String(reservedMicroUsd),
    savedTokens: ({ savedTokens }: AiSpend) => String(savedTokens),
    savedMicroUsd: ({ savedMicroUsd }: AiSpend) => String(savedMicroUsd),
  },
  ControlAiSpendBy: {
    ...values('TENANT', 'APPLICATION', 'SUBSCRIPTION', 'CREDENTIAL', 'MODEL'),
    PROVIDER_KEY: 'providerKey',
  },
  ControlAiUsageSource: values('PROVIDER', 'ESTIMATED', 'REFUNDED', 'CACHE', 'BLOCKED'),
  ControlAiUsageFinish: values('ANSWERED', 'FAILED', 'ABORTED', 'LOST', 'BLOCKED'),
};

function values(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, name.toLowerCase()]));
}

function filterOf({ tenantId, applicationId, since, until }: UsageArgs) {
  return {
    ...{ tenantId: tenantId ?? undefined, applicationId: applicationId ?? undefined },
    sinceMs: since == null ? undefined : timeOf('since', since),
    untilMs: until == null ? undefined : timeOf('until', until),
  };
}

function spanOf(args: UsageArgs & Pick<SpendArgs, 'since' | 'until'>) {
  return { ...filterOf(args), sinceMs: timeOf('since', args.since), untilMs: timeOf('until', args.until) };
}

function timeOf(name: string, value: string): number {
  const ms = Date.parse(value);
  if (!Number.isFinite(ms)) throw invalidInput(name, 'must be a time');
  return ms;
}
