import type { Decision, Reason } from '../authorization/decision.ts';
import type { ErrorCode } from '../errors.ts';
import type { PrincipalKind } from '../identity/principal.ts';
import type { AuditedFields, CostReport, Measures } from '../operation/operation.ts';
import type { SensitiveClass } from '../supergraph/policy.ts';

/** What really ran against one subgraph. */
export interface FetchRecord {
  readonly subgraph: string;
  readonly durationUs: number;
  /** HTTP status, or 0 where no answer came. */
  readonly status: number;
  readonly errors: number;
  /** Which fetch of the operation's plan it was; null where the executor plans by itself. */
  readonly planned: number | null;
  /** Whether the trace of its resolvers that it was asked for came and was one; absent where it was not asked. */
  readonly trace?: 'read' | 'absent' | 'invalid';
  /** What came of the AI models that it asked, in order, as it says; absent where it says nothing, or is not believed. */
  readonly models?: readonly ModelAttempt[];
  /** Attempts that are not listed; absent where all are. */
  readonly modelsTruncated?: number;
  /** What guardrails of AI models found, as it says; absent where nothing, or where it is not believed. */
  readonly findings?: readonly GuardrailFinding[];
}

/** What a guardrail found in questions or answers, how often, and what became of it; never the text. */
export interface GuardrailFinding {
  readonly guardrail: string;
  readonly kind: string;
  readonly direction: 'input' | 'output';
  readonly action: 'block' | 'mask' | 'report';
  readonly count: number;
}

/** What can come of asking a model once; `CACHED` where none was asked, since the answer was kept. */
export const MODEL_OUTCOMES = [
  'ANSWERED',
  'CACHED',
  'RATE_LIMITED',
  'OVERLOADED',
  'PROVIDER_ERROR',
  'TIMEOUT',
  'UNREACHABLE',
  'MALFORMED',
  'CREDENTIAL_REFUSED',
  'SPEND_CAPPED',
  'REQUEST_REFUSED',
  'FILTERED',
  'ABANDONED',
] as const;

/** One try at one AI model. */
export interface ModelAttempt {
  readonly model: string;
  readonly provider: string;
  readonly outcome: (typeof MODEL_OUTCOMES)[number];
  /** The provider's HTTP status; null where it answered, or not at all. */
  readonly status: number | null;
  readonly durationMs: number;
}

/** Numbers of one exception. */
export const EXCEPTION_STRIDE = 4;

/** Numbers that tell the times of one coordinate. */
export const TIME_STRIDE = 4;

/** What became of the fields of an operation, by the index of their coordinates. */
export interface FieldCounts {
  /** How many objects answered each, with null or a value. */
  readonly resolved: readonly number[];
  /** How much came back: 0 for nothing, else the number of bits of the length of its values as text. */
  readonly sizes: readonly number[];
  /** Where there is more to tell: coordinate, nulls, refused, errors; four numbers each. */
  readonly exceptions: readonly number[];
  /** Values of each class of sensitive data that the caller saw. */
  readonly sensitive: Readonly<Partial<Record<SensitiveClass, number>>>;
}

/**
 * What is recorded of one argument: the digest of its value, or why there is none; null where it was not given.
 * Invariant: a digest has 22 characters, so that no word can be taken for one.
 */
export type ArgumentOutcome = string | 'redacted' | 'oversized' | null;

/** An argument that the schema wants recorded. */
export interface RecordedArgument {
  /** The field, by the index of its coordinate. */
  readonly slot: number;
  readonly name: string;
  /** True where it names an object, as far as its type and its name tell. */
  readonly isId: boolean;
}

/** Fields of an entity, with the values that may be written; `redacted` for any other. */
export type ChangedFields = readonly {
  readonly name: string;
  readonly value: string | number | boolean | null | readonly string[];
}[];

/** What a field of a mutation changed in the control plane. */
export interface ChangeRecord {
  /** The field, by the index of its coordinate. */
  readonly slot: number;
  readonly action: string;
  readonly entity: string;
  readonly id: string;
  /** Null where there was nothing before. */
  readonly before: ChangedFields | null;
  /** Null where nothing is left. */
  readonly after: ChangedFields | null;
}

/**
 * One line of the audit: hashes, names and counts; never a variable's value, a literal or a result.
 * Invariant: every text and list is bounded; `…Truncated` counts what a list left out, and a cut text ends in `…`.
 */
export interface AuditEvent {
  readonly version: 1;
  /** `critical` where a subgraph let out what belongs to another tenant. */
  readonly severity: 'normal' | 'critical';
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
    /** Limits exceeded and only warned of. */
    readonly exceeded: readonly ErrorCode[];
    /** Schema coordinates asked for. */
    readonly coordinates: readonly string[];
    readonly coordinatesTruncated: number;
    /** What becomes of them for this caller; see `coordinateRecords`. */
    readonly audited: AuditedFields;
    /** The arguments that are recorded; absent where there are none, and in logs from before there were any. */
    readonly arguments?: readonly RecordedArgument[];
    /** Arguments that are not listed; absent where all are. */
    readonly argumentsTruncated?: number;
  } | null;
  readonly decision: {
    /** `none` where the request ended before authorization. */
    readonly effect: Decision['effect'] | 'none';
    readonly reasons: readonly Reason[];
    readonly reasonsTruncated: number;
  };
  /** Null where costs are not counted, or the operation did not get that far. */
  readonly cost: CostReport | null;
  readonly fetches: readonly FetchRecord[];
  readonly fetchesTruncated: number;
  /** What became of the operation's coordinates; null where nothing ran. */
  readonly counts: FieldCounts | null;
  /** What was given for the operation's arguments, in their order; absent where none is recorded. */
  readonly arguments?: readonly ArgumentOutcome[];
  /**
   * How long subgraphs' own resolvers took, as they say: coordinate, count, sum and longest in microseconds, four numbers each;
   * absent where none was asked.
   */
  readonly times?: readonly number[];
  /** What was changed in the control plane; absent where nothing was. */
  readonly changes?: readonly ChangeRecord[];
  readonly status: number;
  /** Code of the refusal, or null where the operation ran. */
  readonly code: ErrorCode | null;
  readonly errors: number;
  /** Objects of another tenant that came from subgraphs and were withheld. */
  readonly foreignObjects: number;
  /** Events delivered, in the record that ends a subscription; null in any other. */
  readonly events: number | null;
  readonly durationUs: number;
}

/** What is written of a mutation before it runs; the event of the same request says what became of it. */
export interface AuditIntent {
  readonly intent: 1;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly requestId: string;
  readonly principal: AuditEvent['principal'];
  readonly operation: { readonly hash: string; readonly name: string | null };
}

/** Where audit events go. `record` never throws and never waits; `close` resolves when all is on disk. */
export interface AuditSink {
  record(event: AuditEvent): void;
  /** Resolves once an intent is on disk. Throws: AUDIT_UNAVAILABLE where it is not in time. */
  intend(intent: AuditIntent): Promise<void>;
  /** False while events may be lost, so that the gateway can refuse instead. */
  healthy(): boolean;
  close(): Promise<void>;
}
