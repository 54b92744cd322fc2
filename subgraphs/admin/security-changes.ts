import { SYSTEM_SCOPE } from '../../src/control/actor.ts';
import { invalidInput } from '../../src/control/control-error.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import type { KillSwitch } from '../../src/control/tables.ts';
import { changing, type Keyed, type WithReason } from './changing.ts';

/** Scopes of who acts against what endangers the graph. */
export const SECURITY = [SYSTEM_SCOPE.admin, SYSTEM_SCOPE.security];

interface SwitchOffArgs extends Keyed {
  readonly kind: KillSwitch['kind'];
  readonly target?: string | null;
  readonly tenantId?: string | null;
  readonly reason: string;
  readonly seconds?: number | null;
}

/** What is switched off and on, by who answers for security. */
export function securityChanges({ killSwitches, incidents }: ControlPlane) {
  const handle = (step: 'acknowledge' | 'resolve' | 'falsePositive') =>
    changing('incident', SECURITY, (actor, input: WithReason<'incidentId'>, idempotencyKey) =>
      incidents[step](actor, { id: input.incidentId, reason: input.reason, idempotencyKey }),
    );
  return {
    controlAcknowledgeIncident: handle('acknowledge'),
    controlResolveIncident: handle('resolve'),
    controlDismissIncident: handle('falsePositive'),
    controlSwitchOff: changing('killSwitch', SECURITY, (actor, input: SwitchOffArgs, idempotencyKey) => {
      const { kind, reason, target = null, seconds = null } = input;
      // Nobody could switch it on again.
      if (kind === 'subgraph' && target === 'admin')
        throw invalidInput('target', 'is the administration itself');
      const tenantId = input.tenantId ?? actor.tenantId;
      return killSwitches.switchOff(actor, {
        ...{ kind, reason, tenantId, seconds, idempotencyKey },
        target: target ?? '',
      });
    }),
    controlSwitchOn: changing(
      'killSwitch',
      SECURITY,
      (actor, input: WithReason<'switchId'>, idempotencyKey) =>
        killSwitches.switchOn(actor, { id: input.switchId, reason: input.reason, idempotencyKey }),
    ),
  };
}
