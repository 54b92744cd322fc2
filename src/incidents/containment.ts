import { type Finding, tenantOf } from './finding.ts';

/** What can be done by itself against what was found. */
export type IncidentAction =
  | 'none'
  | 'throttle'
  | 'stepUp'
  | 'suspendCredential'
  | 'suspendApplication'
  | 'blockOperation'
  | 'blockField';

/** Callers that are all of what is given; null stands for those that have no such part. */
export interface CallerTarget {
  readonly tenant?: string | null;
  readonly application?: string | null;
  readonly issuer?: string | null;
  readonly subject?: string;
  readonly credential?: string;
  readonly ip?: string;
}

/** A restriction that ends by itself. Nothing here revokes: what it restricts is as it was once it ends. */
export type Containment =
  | { readonly kind: 'throttle' | 'stepUp' | 'suspend'; readonly target: CallerTarget }
  | { readonly kind: 'operation' | 'field'; readonly target: string; readonly tenant: string };

/**
 * What an action restricts, for what was found; null where it can do nothing about it.
 * Invariant: whom it restricts is the culprit itself, its application, or an operation or field for the culprit's tenant:
 * nothing that one tenant does restricts callers of another.
 */
export function containmentOf(finding: Finding, action: IncidentAction): Containment | null {
  const { culprit, operation, coordinate } = finding;
  const tenant = tenantOf(culprit);
  switch (action) {
    case 'none':
      return null;
    case 'throttle': {
      const target = callersOf(finding);
      return target === null ? null : { kind: 'throttle', target };
    }
    case 'stepUp':
      // A service has nobody who could authenticate again.
      return culprit.kind === 'caller' && culprit.caller.kind === 'user'
        ? { kind: 'stepUp', target: callersOf(finding) ?? {} }
        : null;
    case 'suspendCredential':
      return culprit.kind === 'credential' ? { kind: 'suspend', target: callersOf(finding) ?? {} } : null;
    case 'suspendApplication': {
      if (culprit.kind !== 'caller' && culprit.kind !== 'credential') return null;
      const { application } = culprit.caller;
      return tenant === null || application === null
        ? null
        : { kind: 'suspend', target: { tenant, application } };
    }
    case 'blockOperation':
      return tenant === null || operation === null ? null : { kind: 'operation', target: operation, tenant };
    case 'blockField':
      return tenant === null || coordinate === null ? null : { kind: 'field', target: coordinate, tenant };
  }
}

/** The callers that a culprit stands for; null where it stands for none. */
function callersOf({ culprit }: Finding): CallerTarget | null {
  switch (culprit.kind) {
    case 'address':
      // Others behind the same address have credentials of their own; a whole network cannot be throttled.
      return culprit.address.includes('/') ? null : { ip: culprit.address, subject: 'anonymous' };
    case 'caller': {
      const { tenant, issuer, subject, application } = culprit.caller;
      return { tenant, issuer, application, subject };
    }
    case 'credential': {
      const { tenant, issuer } = culprit.caller;
      // Issuers name their tokens as they like: one could name its own as another's, or as an API key.
      return { tenant, issuer, credential: culprit.credentialId };
    }
    default:
      return null;
  }
}
