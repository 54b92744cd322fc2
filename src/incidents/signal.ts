import { type AuditEvent, EXCEPTION_STRIDE } from '../audit/event.ts';
import type { ErrorCode } from '../errors.ts';
import type { PrincipalKind } from '../identity/principal.ts';
import { membersOf } from '../list-members.ts';

/** Who asked, as far as detectors tell callers apart. */
export interface SignalCaller {
  readonly kind: PrincipalKind;
  readonly tenant: string | null;
  readonly issuer: string | null;
  readonly subject: string;
  readonly application: string | null;
  readonly credentialId: string | null;
}

/** What detectors see of one request: names, hashes and counts, never a value. */
export interface Signal {
  /** Units: milliseconds since the epoch. */
  readonly timeMs: number;
  /** Names the event in the audit. */
  readonly eventId: string;
  readonly address: string;
  /** Null where no identity was established. */
  readonly caller: SignalCaller | null;
  /** Hash of what was asked; null where it was never compiled. */
  readonly operation: string | null;
  readonly code: ErrorCode | null;
  /** Whether a credential was presented and not believed. */
  readonly isBadCredential: boolean;
  /** Coordinates that authorization refused. */
  readonly refusals: readonly string[];
  /** What the request cost; 0 where costs are not counted. */
  readonly cost: number;
  readonly fetches: readonly { readonly subgraph: string; readonly isFailed: boolean }[];
  /** Objects of another tenant that were withheld. */
  readonly foreignObjects: number;
  /** Root fields that answered nothing, neither refused nor failed: what was looked for is not there. */
  readonly misses: number;
  /** Arguments that name objects, with digests of what was given, of a list those of its members; as far as the audit has them. */
  readonly ids: readonly {
    readonly coordinate: string;
    readonly name: string;
    readonly digests: readonly string[];
  }[];
  /** Values of `@sensitive` fields that the caller saw unmasked, each class by itself. */
  readonly sensitive: number;
  /** How many objects answered each coordinate, and which of them are `@sensitive`; null where nothing ran. */
  readonly answered: {
    readonly coordinates: readonly string[];
    readonly resolved: readonly number[];
    readonly marked: readonly { readonly slot: number }[];
  } | null;
}

/** Not a guess: nothing was presented. */
const NOT_PRESENTED: ReadonlySet<string> = new Set([
  'identity.credential_missing',
  'identity.scheme_not_supported',
  // What every client does whose token ran out.
  'identity.token_expired',
]);

/** Refusals that say that somebody wanted what is not theirs. */
const REFUSED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'UNAUTHORIZED_FIELD_OR_TYPE',
  'SUBSCRIPTION_REQUIRED',
  'FORBIDDEN',
]);

/** What detectors see of an audit event. */
export function signalOf(event: AuditEvent): Signal {
  const { principal, decision, cost, operation } = event;
  const [first] = decision.reasons;
  return {
    timeMs: Date.parse(event.time),
    eventId: event.requestId,
    address: networkOf(event.remoteAddress),
    caller: principal,
    operation: operation?.hash ?? null,
    code: event.code,
    isBadCredential:
      event.code === 'UNAUTHENTICATED' &&
      principal === null &&
      first !== undefined &&
      !NOT_PRESENTED.has(first.rule),
    refusals: decision.reasons.flatMap(({ code, coordinate, rule }) =>
      REFUSED.has(code) ? [coordinate ?? rule] : [],
    ),
    cost: cost?.actual ?? cost?.estimated ?? 0,
    // A fetch that ended because its client had gone says nothing of the subgraph.
    fetches: event.fetches.flatMap(({ subgraph, status }) =>
      status === 0 && event.code === 'REQUEST_ABORTED'
        ? []
        : [{ subgraph, isFailed: status === 0 || status >= 500 }],
    ),
    foreignObjects: event.foreignObjects,
    misses: missesIn(event),
    ids: idsIn(event),
    answered:
      operation === null || event.counts === null
        ? null
        : {
            coordinates: operation.coordinates,
            resolved: event.counts.resolved,
            marked: operation.audited.sensitive,
          },
    sensitive: Object.values(event.counts?.sensitive ?? {}).reduce((sum, seen) => sum + seen, 0),
  };
}

/** A digest has more characters than what stands in its place, where there is none. */
const DIGEST_CHARS = 22;
const NO_IDS: Signal['ids'] = Object.freeze([]);

function idsIn({ operation, arguments: given }: AuditEvent): Signal['ids'] {
  if (operation?.arguments === undefined || given === undefined) return NO_IDS;
  const members = membersOf(given);
  return operation.arguments.flatMap(({ slot, name, isId }, index) => {
    const outcome = given[index] ?? null;
    const coordinate = operation.coordinates[slot];
    if (!isId || outcome?.length !== DIGEST_CHARS || coordinate === undefined) return [];
    return [{ coordinate, name, digests: members?.get(index) ?? [outcome] }];
  });
}

function missesIn({ operation, counts }: AuditEvent): number {
  if (operation === null || counts === null) return 0;
  let misses = 0;
  for (let at = 0; at < counts.exceptions.length; at += EXCEPTION_STRIDE) {
    const [slot = 0, nulls = 0, refused = 0, errors = 0] = counts.exceptions.slice(at, at + EXCEPTION_STRIDE);
    const isRoot = operation.coordinates[slot]?.startsWith('Query.') === true;
    if (isRoot && refused === 0 && errors === 0) misses += nulls;
  }
  return misses;
}

const GROUPS_OF_NETWORK = 4;

/** An IPv6 host has 2^64 addresses of its own to choose from: its network stands for it. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return `${groups.slice(0, GROUPS_OF_NETWORK).join(':')}::/64`;
}
