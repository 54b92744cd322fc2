import type { ParsedConfig } from './config.ts';
import type { ConfigDocument } from './config-document.ts';
import type { ConfigFault } from './config-fault.ts';

const PORT_MAX = 65_535;

/** What several workers need to share and would not: each would permit the whole of a limit, or know its own approvals. */
export function workerFaults(config: ParsedConfig | null, document: ConfigDocument): readonly ConfigFault[] {
  if (config === null || config.workers === 1) return [];
  const path = ['workers'];
  return missing(config).map((message) => ({ path, position: document.locate(path), message }));
}

function missing(config: ParsedConfig): readonly string[] {
  const { workers, rateLimits, approvals, admin, audit, incidents, state, telemetry } = config;
  const { limits, quotas, concurrency, failures, redis } = rateLimits;
  const isLimited =
    limits.length + quotas.length + concurrency.length > 0 || failures !== undefined || approvals.enforce;
  const hasIndex = audit.sinks.some(({ type }) => type === 'database');
  const isLooking = Object.values(incidents.detectors).some(({ mode = incidents.mode }) => mode !== 'off');
  const isControlled = approvals.enforce || admin.enabled || hasIndex || isLooking;
  const { enabled, port } = telemetry.metrics;
  return [
    ...(isLimited && redis === undefined
      ? ['more than one needs rateLimits.redis: without it each would permit the whole of every limit']
      : []),
    ...(isControlled && state.database.startsWith('pglite://')
      ? ['more than one needs PostgreSQL in state.database: the embedded database serves one process']
      : []),
    ...(enabled && port > 0 && port + workers - 1 > PORT_MAX
      ? ['each has a metrics port of its own, counted up from telemetry.metrics.port, and these pass 65535']
      : []),
  ];
}
