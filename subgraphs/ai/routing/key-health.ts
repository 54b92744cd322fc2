import { LRUCache } from 'lru-cache';
import type { AttemptFault } from './attempt-outcome.ts';

/** When a key of a provider is left alone. Units: milliseconds. */
export interface HealthBounds {
  /** Failures in a row after which the circuit opens. */
  readonly failuresMax: number;
  /** How long an open circuit stays open before one call tries again. */
  readonly openMs: number;
  /** How long a key that was refused is not used; it may be replaced meanwhile. */
  readonly refusedMs: number;
  /** How long a limited key is not used where the provider does not say. */
  readonly cooldownMs: number;
  /** Longest that a provider's `retry-after` is heeded. */
  readonly cooldownMsMax: number;
}

/** Whether a key may be used now, or when it may be. Units: milliseconds since the epoch. */
export type Admission =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly atMs: number; readonly limited: boolean };

/** Which key was asked, and for whom. */
export interface HealthSubject {
  /** Provider and key. */
  readonly healthKey: string;
  /** Null or absent for a caller of none. */
  readonly tenant?: string | null;
}

/**
 * Health per provider and key, and of each tenant with it. What a request can bring about (silence, a fault of the provider's own, an answer
 * of another form) counts for its tenant, and for the key as often as it is another tenant: no tenant takes a shared key from all others.
 */
export interface KeyHealth {
  /** Where a circuit is half open, the one who is admitted has to tell what became of it. */
  admit(subject: HealthSubject): Admission;
  answered(subject: HealthSubject): void;
  failed(subject: HealthSubject, fault: AttemptFault): void;
}

interface Circuit {
  failures: number;
  closedUntilMs: number;
  limited: boolean;
  /** Whether one call tries a half-open circuit. */
  probing: boolean;
  /** Whose requests have failed since the last answer. */
  readonly tenants: Set<string>;
}

/** Far more keys than providers have; the least used are forgotten, and so are healthy. */
const KEYS_MAX = 10_000;
/** Keys with tenants that fail with them, in the same way. */
const TENANTS_MAX = 50_000;
/** How soon others ask again while one call tries a half-open circuit. */
const PROBE_WAIT_MS = 250;

/** What a provider does whoever asks for what. */
const OF_PROVIDER: ReadonlySet<AttemptFault['outcome']> = new Set(['OVERLOADED', 'UNREACHABLE']);
/** What the request may have brought about. */
const OF_REQUEST: ReadonlySet<AttemptFault['outcome']> = new Set(['PROVIDER_ERROR', 'TIMEOUT', 'MALFORMED']);
const HELD_BACK: ReadonlySet<AttemptFault['outcome']> = new Set(['REQUEST_REFUSED', 'FILTERED']);

/** Makes the memory of how providers did lately. Units: `now` gives milliseconds since the epoch. */
export function createKeyHealth(bounds: HealthBounds, now: () => number): KeyHealth {
  // By size, not by `max`: that would make room for all of them at once, and there are seldom any.
  const byKey = new LRUCache<string, Circuit>({ maxSize: KEYS_MAX, sizeCalculation: () => 1 });
  const byTenant = new LRUCache<string, Circuit>({ maxSize: TENANTS_MAX, sizeCalculation: () => 1 });
  /** While all is well there is nothing to look up. */
  const isWell = (): boolean => byKey.size + byTenant.size === 0;
  const known = ({ healthKey, tenant }: HealthSubject): readonly Circuit[] =>
    [byKey.get(healthKey), byTenant.get(ofTenant(healthKey, tenant))].filter((each) => each !== undefined);
  const refusalOf = ({ closedUntilMs, limited, failures, probing }: Circuit) => {
    if (now() < closedUntilMs) return { admitted: false as const, atMs: closedUntilMs, limited };
    if (failures < bounds.failuresMax || !probing) return null;
    return { admitted: false as const, atMs: now() + PROBE_WAIT_MS, limited: false };
  };
  const close = (circuit: Circuit, forMs: number, limited = false): void => {
    circuit.closedUntilMs = Math.max(circuit.closedUntilMs, now() + forMs);
    circuit.limited = limited;
  };
  const count = (circuit: Circuit, { retryAfterMs }: AttemptFault): void => {
    circuit.failures += 1;
    if (circuit.failures >= bounds.failuresMax) close(circuit, bounds.openMs);
    else if (retryAfterMs !== null) close(circuit, Math.min(retryAfterMs, bounds.cooldownMsMax));
  };
  const recovered = ({ healthKey, tenant }: HealthSubject): void => {
    if (isWell()) return;
    byTenant.delete(ofTenant(healthKey, tenant));
    const circuit = byKey.get(healthKey);
    // Of a call that was under way when others were told to wait.
    if (circuit?.limited === true && now() < circuit.closedUntilMs) {
      circuit.failures = 0;
      circuit.tenants.clear();
    } else byKey.delete(healthKey);
  };
  const countRequest = (ofKey: Circuit, { healthKey, tenant }: HealthSubject, fault: AttemptFault): void => {
    count(circuitIn(byTenant, ofTenant(healthKey, tenant)), fault);
    const name = tenant ?? '';
    if (ofKey.tenants.has(name)) return;
    // With as many the circuit is open already.
    if (ofKey.tenants.size < bounds.failuresMax) ofKey.tenants.add(name);
    count(ofKey, fault);
  };
  return {
    admit(subject) {
      if (isWell()) return { admitted: true };
      const circuits = known(subject);
      const refusals = circuits.flatMap((circuit) => refusalOf(circuit) ?? []);
      const [latest] = refusals.sort((one, other) => other.atMs - one.atMs);
      if (latest !== undefined) return latest;
      for (const circuit of circuits) circuit.probing ||= circuit.failures >= bounds.failuresMax;
      return { admitted: true };
    },
    answered: recovered,
    failed(subject, fault) {
      const { outcome } = fault;
      // What the caller did wrong, or a filter held back, shows that the provider answers, where it did.
      if (HELD_BACK.has(outcome) && fault.status !== null) return recovered(subject);
      for (const circuit of known(subject)) circuit.probing = false;
      const ofKey = circuitIn(byKey, subject.healthKey);
      if (outcome === 'RATE_LIMITED')
        close(ofKey, Math.min(fault.retryAfterMs ?? bounds.cooldownMs, bounds.cooldownMsMax), true);
      else if (outcome === 'CREDENTIAL_REFUSED') close(ofKey, bounds.refusedMs);
      else if (OF_PROVIDER.has(outcome)) count(ofKey, fault);
      else if (OF_REQUEST.has(outcome)) countRequest(ofKey, subject, fault);
    },
  };
}

function ofTenant(healthKey: string, tenant: string | null | undefined): string {
  return JSON.stringify([healthKey, tenant ?? '']);
}

function circuitIn(circuits: LRUCache<string, Circuit>, name: string): Circuit {
  const known = circuits.get(name);
  if (known !== undefined) return known;
  const fresh: Circuit = {
    failures: 0,
    closedUntilMs: 0,
    limited: false,
    probing: false,
    tenants: new Set(),
  };
  circuits.set(name, fresh);
  return fresh;
}
