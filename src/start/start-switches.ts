import { ADMIN_SUBGRAPH, ADMIN_TAG } from '../admin-subgraph.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { KillSwitches } from '../control/kill-switches.ts';
import { Restraints } from '../control/restraints.ts';
import type { SwitchFacts } from '../control/snapshot.ts';
import type { RateLimiter } from '../metering/rate-limiter.ts';
import type { Log } from '../telemetry/log-sink.ts';

/** The kill switches of the configuration; those of the control plane are told to it later. */
export function createSwitches(
  { admin, killSwitches }: Config,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): KillSwitches {
  const { mutations, operations, fields, subgraphs } = killSwitches;
  const fixed = [
    ...(mutations ? [''] : []).map((target) => fixedSwitch('mutations', target)),
    ...operations.map((target) => fixedSwitch('operation', target)),
    ...fields.map((target) => fixedSwitch('field', target)),
    ...subgraphs.map((target) => fixedSwitch('subgraph', target)),
  ];
  return new KillSwitches({
    ...{ fixed, now: clock.now },
    admin: admin.enabled ? { tag: ADMIN_TAG, subgraph: ADMIN_SUBGRAPH } : null,
    onUnknown: ({ id, kind, target }) =>
      log.warn('a kill switch stands for nothing in the graph', { id, kind, target }),
  });
}

/** Whom incidents restrain, as the control plane will tell. */
export function createRestraints(
  { state, incidents }: Config,
  { clock, limiter }: { readonly clock: Clock; readonly limiter: RateLimiter | null },
): Restraints {
  return new Restraints({
    ...{ factors: state.stepUp.factors, share: incidents.throttlePercent / 100, now: clock.now },
    throttle:
      limiter === null ? null : (callers, share, untilMs) => limiter.throttle(callers, share, untilMs),
  });
}

function fixedSwitch(kind: SwitchFacts['kind'], target: string): SwitchFacts {
  return { id: 'config', kind, target, tenant: null, expiresAt: null };
}
