import { SYSTEM_SCOPE } from '../../src/control/actor.ts';
import type { AiBody } from '../../src/control/ai-bodies-store.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import type { Tenant } from '../../src/control/tables.ts';
import type { SubgraphResolvers } from '../kit/subgraph-server.ts';
import { connection, timeText } from './admin-answers.ts';
import { field, type PageArgs, pageOf } from './admin-field.ts';
import { changing, type WithReason } from './changing.ts';

const READERS = [SYSTEM_SCOPE.admin, SYSTEM_SCOPE.security];

/** Questions to AI models and their answers: whether they are kept, and reading one, which is written down. */
export function aiBodyChanges({ aiBodies }: ControlPlane) {
  return {
    controlSetLogBodies: changing(
      'tenant',
      READERS,
      (actor, input: WithReason<'tenantId'> & { logBodies: Tenant['logBodies'] }, idempotencyKey) => {
        const { tenantId, logBodies, reason } = input;
        return aiBodies.setMode(actor, { tenantId, logBodies, reason, idempotencyKey });
      },
    ),
    controlReadAiBody: changing('body', READERS, (actor, { bodyId: id, reason }: WithReason<'bodyId'>) =>
      aiBodies.open(actor, { id, reason }),
    ),
  };
}

/** That there are questions and answers, without what they say. */
export function aiBodyQueries({ aiBodies }: ControlPlane) {
  return {
    aiBodies: field(READERS, async (actor, { tenantId, ...page }: PageArgs & { tenantId: string }) =>
      connection(await aiBodies.list(actor, { ...pageOf(page), tenantId })),
    ),
  };
}

/** Fields that their rows do not have as they are. */
export const aiBodyObjects: SubgraphResolvers = {
  ControlAiBody: {
    at: ({ at }: AiBody) => timeText(at),
    expiresAt: ({ expiresAt }: AiBody) => timeText(expiresAt),
  },
  ControlLogBodies: { OFF: 'off', REDACTED: 'redacted', FULL: 'full' },
};
