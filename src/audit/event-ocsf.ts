import type { AuditEvent } from './event.ts';
import { publishedEvent } from './published-event.ts';

/** Source: https://schema.ocsf.io/1.3.0/classes/api_activity */
const API_ACTIVITY = 6003;
const APPLICATION_ACTIVITY = 6;
const ACTIVITIES: Readonly<Record<string, { readonly id: number; readonly name: string }>> = {
  query: { id: 2, name: 'Read' },
  mutation: { id: 99, name: 'Mutation' },
  subscription: { id: 99, name: 'Subscription' },
};
const UNKNOWN = { id: 0, name: 'Unknown' };
const SEVERITY = { informational: 1, medium: 3, critical: 5 } as const;

/** One event as an API Activity of the Open Cybersecurity Schema Framework. */
export function ocsfEvent(event: AuditEvent, product: { readonly version: string }): object {
  const { principal, operation, decision, code } = event;
  const { records, fetches } = publishedEvent(event);
  const activity = ACTIVITIES[operation?.type ?? ''] ?? UNKNOWN;
  const refused = code !== null || decision.effect === 'deny';
  const severity =
    event.severity === 'critical'
      ? 'critical'
      : refused || decision.reasons.length > 0
        ? 'medium'
        : 'informational';
  return {
    class_uid: API_ACTIVITY,
    category_uid: APPLICATION_ACTIVITY,
    activity_id: activity.id,
    activity_name: activity.name,
    type_uid: API_ACTIVITY * 100 + activity.id,
    severity_id: SEVERITY[severity],
    status_id: refused ? 2 : 1,
    ...(code === null ? {} : { status_code: code }),
    time: Date.parse(event.time),
    duration: Math.round(event.durationUs / 1000),
    metadata: {
      version: '1.3.0',
      uid: event.requestId,
      product: { name: 'Portcullis', vendor_name: 'Portcullis', version: product.version },
      log_name: 'audit',
    },
    actor: principal === null ? {} : { user: userOf(principal) },
    src_endpoint: { ip: event.remoteAddress },
    http_request: { http_method: event.method, uid: event.requestId },
    http_response: { code: event.status },
    api: {
      operation: operation?.name ?? operation?.hash ?? 'unknown',
      request: { uid: event.requestId },
      response: { code: event.status, ...(code === null ? {} : { error: code }) },
      service: { name: 'graphql' },
    },
    resources: (operation?.coordinates ?? []).map((name) => ({ name, type: 'GraphQL coordinate' })),
    unmapped: {
      decision: decision.effect,
      reasons: decision.reasons,
      operation_hash: operation?.hash ?? null,
      fetches,
      records,
      foreign_objects: event.foreignObjects,
    },
  };
}

function userOf({
  subject,
  tenant,
  application,
  credentialId,
  kind,
  issuer,
}: NonNullable<AuditEvent['principal']>) {
  return {
    name: subject,
    type: kind,
    ...(credentialId === null ? {} : { credential_uid: credentialId }),
    ...(tenant === null ? {} : { org: { uid: tenant } }),
    ...(issuer === null ? {} : { domain: issuer }),
    ...(application === null ? {} : { account: { uid: application } }),
  };
}
