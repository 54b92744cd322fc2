import type { Signal, SignalCaller } from './signal.ts';

/** Names of the detectors, in their order. */
export const RULES_OF_INCIDENTS = [
  'credentialStuffing',
  'tokenReplay',
  'idEnumeration',
  'schemaProbing',
  'refusalBurst',
  'costSpike',
  'sensitiveVolume',
  'tenantIsolation',
  'subgraphErrors',
  'auditTampering',
] as const;

export type IncidentRule = (typeof RULES_OF_INCIDENTS)[number];

/** Whom or what a finding is about. Parts that are null are not known. */
export type Culprit =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'caller'; readonly caller: SignalCaller }
  | { readonly kind: 'credential'; readonly caller: SignalCaller; readonly credentialId: string }
  | { readonly kind: 'operation'; readonly tenant: string | null; readonly hash: string }
  | { readonly kind: 'subgraph'; readonly subgraph: string }
  | { readonly kind: 'audit' };

/** What a detector has found: counts and the events that show it, never a value. */
export interface Finding {
  readonly rule: IncidentRule;
  readonly severity: 'low' | 'medium' | 'high' | 'critical';
  readonly culprit: Culprit;
  /** Units: milliseconds since the epoch. */
  readonly timeMs: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Ids of audit events, the newest last; bounded. */
  readonly events: readonly string[];
  /** Hash of the operation that was asked last; null where none is known. */
  readonly operation: string | null;
  /** A coordinate that it is about; null where it is about none. */
  readonly coordinate: string | null;
}

/** Watches requests for one kind of trouble, in bounded memory. */
export interface Watch {
  /** What a request shows together with those before it; null where nothing is wrong. */
  see(signal: Signal): Finding | null;
  /** Keys that it holds. */
  readonly size: number;
}

/** When a watch says that something is wrong. */
export interface WatchOptions {
  readonly threshold: number;
  readonly windowMs: number;
  /** What below it is never wrong, whatever is usual; 0 where there is no such floor. */
  readonly floor: number;
  /** Coordinates whose values are worth most to who takes them. */
  readonly sensitive: ReadonlySet<string>;
  /** Different ids for one argument that nobody has use for within a window. */
  readonly distinctIds: number;
  /** The same for all arguments together. */
  readonly distinctIdsTotal: number;
  /** Keys that are held; the one that was quiet longest goes first. */
  readonly keysMax: number;
}

/** Who is behind a request: the caller or, where nobody is known, the address. */
export function culpritOf({ caller, address }: Signal): Culprit {
  return caller === null || caller.kind === 'anonymous'
    ? { kind: 'address', address }
    : { kind: 'caller', caller: withoutCredential(caller) };
}

/** The tenant that a culprit belongs to; null where it belongs to none, or to none that is known. */
export function tenantOf(culprit: Culprit): string | null {
  if (culprit.kind === 'caller' || culprit.kind === 'credential') return culprit.caller.tenant;
  return culprit.kind === 'operation' ? culprit.tenant : null;
}

/** Names a culprit: the same for the same one, and no other's. */
export function keyOf(culprit: Culprit): string {
  switch (culprit.kind) {
    case 'address':
      return JSON.stringify(['address', culprit.address]);
    case 'caller': {
      const { tenant, issuer, subject, application } = culprit.caller;
      return JSON.stringify(['caller', tenant, issuer, subject, application]);
    }
    case 'credential': {
      const { tenant, issuer } = culprit.caller;
      return JSON.stringify(['credential', tenant, issuer, culprit.credentialId]);
    }
    case 'operation':
      return JSON.stringify(['operation', culprit.tenant, culprit.hash]);
    case 'subgraph':
      return JSON.stringify(['subgraph', culprit.subgraph]);
    case 'audit':
      return JSON.stringify(['audit']);
  }
}

/** A caller is the same one under another credential. */
function withoutCredential(caller: SignalCaller): SignalCaller {
  const { kind, tenant, issuer, subject, application } = caller;
  return { kind, tenant, issuer, subject, application, credentialId: null };
}
