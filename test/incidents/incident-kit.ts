import { createHash } from 'node:crypto';
import type { AuditEvent } from '../../src/audit/event.ts';
import { auditEvent } from '../../src/audit/recorder.ts';
import { incidentsSection } from '../../src/config/incidents-section.ts';
import { ANONYMOUS, type Principal } from '../../src/identity/principal.ts';
import type { RequestRule } from '../../src/incidents/detectors.ts';
import { DETECTORS } from '../../src/incidents/detectors.ts';
import type { Finding, WatchOptions } from '../../src/incidents/finding.ts';
import { IncidentWatch } from '../../src/incidents/incident-watch.ts';
import { PARTS } from '../audit/fixtures.ts';

export const START_MS = Date.UTC(2026, 0, 5, 9);

const { detectors, distinctIds, distinctIdsTotal } = incidentsSection.parse({});

/** What the configuration gives each detector unless it says otherwise. */
export const DEFAULTS: ReadonlyMap<RequestRule, WatchOptions> = new Map(
  DETECTORS.map(([rule]) => {
    const { threshold, windowSeconds, floor } = detectors[rule];
    const sensitive = new Set(['User.email', 'User.phone']);
    const windowMs = windowSeconds * 1000;
    const ids = { distinctIds, distinctIdsTotal };
    return [rule, { threshold, floor, sensitive, ...ids, windowMs, keysMax: 20_000 }];
  }),
);

export interface Happening extends Partial<Omit<Parameters<typeof auditEvent>[0], 'request'>> {
  /** Units: milliseconds after the start. */
  readonly at: number;
  readonly id?: string;
  readonly address?: string;
}

let ids = 0;

/** An audit event, as the recorder makes it. */
export function eventAt({ at, id, address = '192.0.2.1', ...parts }: Happening): AuditEvent {
  ids += 1;
  const request = {
    ...PARTS.request,
    id: id ?? `r-${ids}`,
    receivedAtMs: START_MS + at,
    remoteAddress: address,
  };
  return auditEvent({ ...PARTS, ...parts, request });
}

/** A caller with a token of its own. */
export function callerOf(subject: string, tenant: string | null, part: Partial<Principal> = {}): Principal {
  return {
    ...{ ...ANONYMOUS, kind: 'user', subject, tenant, application: `${tenant}-shop` },
    ...{ issuer: 'https://idp.example', credentialId: `jti-${tenant}-${subject}` },
    ...part,
  };
}

/** A request whose credential is not believed. */
export function badCredential(at: number, address: string, reason = 'signature_invalid'): AuditEvent {
  const rule = `identity.${reason}`;
  return eventAt({
    ...{ at, address, principal: null, operation: null, code: 'UNAUTHENTICATED', status: 401 },
    decision: { effect: 'deny', reasons: [{ rule, code: 'UNAUTHENTICATED', coordinate: null, path: null }] },
  });
}

/** A request of which authorization refuses a field. */
export function refused(at: number, principal: Principal, coordinate = 'User.salary'): AuditEvent {
  const reasons = [{ rule: 'scopes', code: 'UNAUTHORIZED_FIELD_OR_TYPE', coordinate, path: ['a'] } as const];
  return eventAt({ at, principal, decision: { effect: 'filter', mask: '0', reasons } });
}

/** A request that does not fit the schema. */
export function misfit(at: number, principal: Principal, address?: string): AuditEvent {
  const code = 'GRAPHQL_VALIDATION_FAILED';
  return eventAt({
    ...{ at, principal, operation: null, code, status: 400, decision: null },
    ...(address === undefined ? {} : { address }),
  });
}

const PEOPLE =
  PARTS.operation === null
    ? null
    : { ...PARTS.operation, coordinates: ['Query.product', 'Query.users', 'User.email', 'User.name'] };

/** A request that read some users, and did not find some products. */
export function reading(
  at: number,
  principal: Principal,
  {
    users = 0,
    missed = 0,
    seen = 0,
  }: { readonly users?: number; readonly missed?: number; readonly seen?: number },
): AuditEvent {
  return eventAt({
    ...{ at, principal, operation: PEOPLE, variant: null },
    counts: {
      resolved: [missed + 1, 1, users, users],
      sizes: [0, 0, 0, 0],
      // A product whose part is refused, and a name that is null, are not missed.
      exceptions: [0, missed, 0, 0, 3, 7, 0, 0],
      sensitive: seen === 0 ? {} : { PERSONAL: seen },
    },
  });
}

const lookup = (coordinate: string) =>
  PARTS.operation === null
    ? null
    : {
        ...PARTS.operation,
        coordinates: [coordinate],
        auditedArguments: { listed: [argument('id', true), argument('first', false)], truncated: 0 },
      };

function argument(name: string, isId: boolean) {
  const value = { kind: 'variable', name } as const;
  return { ...{ slot: 0, name, isId, treatment: 'digest' as const, when: null, value, fallback: null } };
}

/** What the audit has in place of a value. */
export function digestOf(value: string): string {
  return createHash('sha256').update(value).digest('base64url').slice(0, 22);
}

/** A request that looks up an order by its id, which it finds. */
export function lookingUp(
  at: number,
  principal: Principal | null,
  ...[id, coordinate = 'Query.order']: readonly [id: string | null, coordinate?: string]
): AuditEvent {
  return eventAt({
    ...{
      at,
      principal,
      operation: lookup(coordinate),
      variant: null,
      arguments: [id, digestOf(`first ${at}`)],
    },
    counts: { resolved: [1], sizes: [1], exceptions: [], sensitive: {} },
  });
}

/** Events one after the other. */
export function* every(stepMs: number, make: (at: number, index: number) => AuditEvent, max = 5000) {
  for (let index = 0; index < max; index += 1) yield make(index * stepMs, index);
}

/** A request that cost something. */
export function costing(at: number, principal: Principal, actual: number): AuditEvent {
  return eventAt({ at, principal, cost: { estimated: actual, actual, max: 100_000 } });
}

export interface Watched {
  /** What was found so far. */
  readonly findings: Finding[];
  readonly watch: IncidentWatch;
  readonly floods: (string | null)[];
  /** Looks at an event, at its time; the rules that it made found. */
  see(event: AuditEvent): readonly string[];
}

/** All detectors with a clock that goes with the events. */
export function watched(options: { readonly only?: RequestRule; readonly keysMax?: number } = {}): Watched {
  const { only, keysMax = 20_000 } = options;
  const findings: Finding[] = [];
  const floods: (string | null)[] = [];
  const deferred: (() => void)[] = [];
  let now = START_MS;
  const watch = new IncidentWatch({
    watches: new Map(
      [...DEFAULTS]
        .filter(([rule]) => only === undefined || rule === only)
        .map(([rule, each]) => [rule, { ...each, keysMax }]),
    ),
    ...{ queueMax: 1000, repeatMs: 10_000, reportsPerHourMax: 100, now: () => now },
    defer: (work) => void deferred.push(work),
    report: (finding) => void findings.push(finding),
    onFlood: (tenant) => void floods.push(tenant),
    onFull: () => undefined,
  });
  return {
    ...{ findings, floods, watch },
    see: (event) => {
      const before = findings.length;
      now = Math.max(now, Date.parse(event.time));
      watch.take(event);
      for (let work = deferred.shift(); work !== undefined; work = deferred.shift()) work();
      return findings.slice(before).map(({ rule }) => rule);
    },
  };
}

/** How many of some events it takes until a rule is found; fails where it is not. */
export function eventsUntil(
  rule: RequestRule,
  events: Iterable<AuditEvent>,
): { readonly count: number; readonly ms: number } {
  const { see, findings } = watched();
  let count = 0;
  let first: number | null = null;
  for (const event of events) {
    count += 1;
    first ??= Date.parse(event.time);
    if (see(event).includes(rule)) return { count, ms: Date.parse(event.time) - first };
  }
  throw new Error(
    `${rule} was not found in ${count} events, but ${findings.map((each) => each.rule).join()}`,
  );
}
