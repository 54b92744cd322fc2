import type { AuditSink } from './audit/event.ts';
import { auditIntent } from './audit/recorder.ts';
import { GatewayError } from './errors.ts';
import type { Principal } from './identity/principal.ts';
import type { GraphQLRequest } from './listener/request.ts';
import type { CompiledOperation, OperationVariant } from './operation/operation.ts';

/** What has to be recorded for an operation to run. */
export interface AuditDemands {
  /** What still runs while the audit cannot be written. */
  readonly whenUnwritable: 'refuse' | 'permitQueries';
  /** Whether a mutation waits until its intent is on disk. */
  readonly durability: 'relaxed' | 'strict';
}

/** An operation that is about to run. */
interface Asked {
  readonly request: GraphQLRequest;
  readonly principal: Principal;
  readonly operation: CompiledOperation;
  readonly variant: OperationVariant;
}

/**
 * What nobody could account for does not run: a mutation runs once its intent is on disk, and null where none has to be.
 * Throws (or rejects with): AUDIT_UNAVAILABLE.
 */
export function requireAudit(
  { request, principal, operation, variant }: Asked,
  audit: AuditSink,
  { whenUnwritable, durability }: AuditDemands,
): Promise<void> | null {
  if (!audit.healthy() && !(operation.type === 'query' && whenUnwritable === 'permitQueries'))
    throw new GatewayError('AUDIT_UNAVAILABLE');
  // Where authorization left nothing, nothing is about to happen.
  if (operation.type !== 'mutation' || durability === 'relaxed' || variant.text === null) return null;
  return audit.intend(auditIntent(request, principal, operation));
}
