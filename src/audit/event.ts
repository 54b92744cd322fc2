import type { Decision, Reason } from '../authorization/decision.ts';
import type { PrincipalKind } from '../identity/principal.ts';
import type { Measures } from '../operation/operation.ts';

/** What really ran against one subgraph. */
export interface FetchRecord {
  readonly subgraph: string;
  readonly durationUs: number;
  /** HTTP status, or 0 where no answer came. */
  readonly status: number;
  readonly errors: number;
}

/** One line of the audit: hashes, names and counts; never a variable's value, a literal or a result. */
export interface AuditEvent {
  readonly version: 1;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly requestId: string;
  readonly remoteAddress: string;
  readonly method: string;
  readonly principal: {
    readonly kind: PrincipalKind;
    readonly subject: string;
    readonly tenant: string | null;
    readonly application: string | null;
    readonly issuer: string | null;
    readonly credentialId: string | null;
  } | null;
  readonly supergraph: string | null;
  readonly operation: {
    readonly hash: string;
    readonly name: string | null;
    readonly type: string;
    readonly measures: Measures;
    /** Schema coordinates asked for. */
    readonly coordinates: readonly string[];
  } | null;
  readonly decision: { readonly effect: Decision['effect'] | 'none'; readonly reasons: readonly Reason[] };
  readonly fetches: readonly FetchRecord[];
  readonly status: number;
  /** Code of the refusal, or null where the operation ran. */
  readonly code: string | null;
  readonly errors: number;
  readonly durationUs: number;
}

/** Where audit events go. `record` never throws and never waits; `close` resolves when all is on disk. */
export interface AuditSink {
  record(event: AuditEvent): void;
  close(): Promise<void>;
}
