import { describe, expect, it } from 'vitest';
import type { Switches } from '../../src/control/switches.ts';
import { GatewayError } from '../../src/errors.ts';
import { ANONYMOUS } from '../../src/identity/principal.ts';
import type { GatewayResponse } from '../../src/listener/request.ts';
import type { AuditedFields } from '../../src/operation/operation.ts';
import { StreamReviews } from '../../src/streams/stream-reviews.ts';
import { type Admitted, type SubscriptionParts, subscribe } from '../../src/streams/subscribe.ts';
import { SubscriptionCounts } from '../../src/streams/subscription-counts.ts';
import { keptEvents } from '../audit/fixtures.ts';
import { NO_UNMASKING } from '../execution/masking-kit.ts';

interface Fakes {
  readonly allows?: (event: number) => boolean;
  readonly identify?: (event: number) => typeof ANONYMOUS;
  readonly principal?: typeof ANONYMOUS;
  readonly sensitive?: AuditedFields['sensitive'];
  readonly healthy?: (event: number) => boolean;
  readonly switches?: SubscriptionParts['switches'];
}

/** Runs a subscription of three events on fakes and tells all that it left behind. */
async function run(fakes: Fakes) {
  const { events: records, record, expectUnchanged } = keptEvents();
  let event = 0;
  let left = false;
  let released = 0;
  async function* upstream() {
    try {
      for (event = 1; event <= 3; event += 1) yield { data: {}, errors: [], fetches: [] };
    } finally {
      left = true;
    }
  }
  const requirement = { authenticated: false, scopes: null, policies: [['p']] };
  const shape = {
    abstract: false,
    typeName: 'Subscription',
    types: new Map([['Subscription', { denied: null, fields: [] }]]),
  };
  const admitted = {
    request: {
      id: 'r',
      remoteAddress: '::1',
      method: 'POST',
      receivedAtMs: 0,
      headers: {},
      signal: new AbortController().signal,
      authorization: [],
    },
    principal: fakes.principal ?? ANONYMOUS,
    operation: {
      hash: 'h',
      name: null,
      supergraphId: 'g',
      type: 'subscription',
      measures: {},
      warnings: [],
      coordinates: ['Subscription.a'],
      conditions: [],
      guards: [{ requirement, when: null }],
      selected: [],
      constrained: [],
      auditedArguments: { listed: [], truncated: 0 },
      planFor: async () => ({
        removals: [{ guard: 0, coordinate: 'Subscription.a', path: ['a'], dynamic: false }],
      }),
    },
    variant: {
      ...{
        shape,
        removals: [],
        tenantKeys: [],
        audited: { refused: [], unreached: [], sensitive: fakes.sensitive ?? [], plan: [] },
        text: 'subscription { a }',
      },
      plan: { subscription: { subgraph: 'ticks' } },
    },
    variables: {},
    decision: { effect: 'permit', mask: '', reasons: [] },
    meter: null,
    times: null,
    changes: null,
    graph: {
      value: {
        executor: { subscribe: upstream },
        view: { leafChecks: () => () => true, subgraphs: new Map() },
      },
      retired: new AbortController().signal,
      release: () => {
        released += 1;
      },
    },
  } as unknown as Admitted;
  const parts = {
    identifier: { identify: () => fakes.identify?.(event) ?? ANONYMOUS },
    policies: { allows: () => fakes.allows?.(event) ?? true },
    audit: {
      record,
      healthy: () => fakes.healthy?.(event) ?? true,
    },
    switches: fakes.switches ?? null,
    limiter: null,
    clock: { now: () => 0, nowUs: () => 0 },
    counts: new SubscriptionCounts(),
    reviews: new StreamReviews(),
    options: {
      authorization: { mode: 'reject', dryRun: false, introspection: 'permit' },
      respond: { authorizationErrors: 'errors', masking: NO_UNMASKING },
      subscriptions: { maxPerPrincipal: 1, maxLifetimeMs: 60_000 },
    },
    refusalOf: (fault: unknown) =>
      fault instanceof GatewayError ? fault : new GatewayError('INTERNAL_SERVER_ERROR', { cause: fault }),
  } as unknown as SubscriptionParts;
  const answers: GatewayResponse[] = [];
  for await (const answer of subscribe(admitted, parts).events) answers.push(answer);
  const codes = answers.map(({ body }) => body.errors?.[0]?.extensions['code'] ?? null);
  expect(released).toBe(1);
  expect(left).toBe(true);
  expect(records).toHaveLength(1);
  expectUnchanged();
  return { answers, codes, record: records[0] };
}

describe('subscribe', () => {
  it('ends with the denial when a policy changes its mind', async () => {
    const { codes, record } = await run({ allows: (event) => event < 2 });
    expect(codes).toEqual([null, 'UNAUTHORIZED_FIELD_OR_TYPE']);
    expect(record).toMatchObject({ events: 1, decision: { effect: 'deny' } });
  });

  it('ends when its subgraph or one of its fields is switched off', async () => {
    let asked = 0;
    const switched = (part: Partial<Switches>): SubscriptionParts['switches'] => ({
      of: () => {
        asked += 1;
        const nothing = { stops: () => false, fieldsOff: () => [], isSubgraphOff: () => false };
        return asked < 2 ? null : { ...nothing, ...part };
      },
    });
    const ofSubgraph = await run({ switches: switched({ isSubgraphOff: (name) => name === 'ticks' }) });
    expect(ofSubgraph.codes).toEqual([null, 'SWITCHED_OFF']);
    asked = 0;
    const whole = await run({ switches: switched({ stops: () => true }) });
    expect(whole.codes).toEqual([null, 'SWITCHED_OFF']);
    expect(whole.record).toMatchObject({ code: 'SWITCHED_OFF', status: 503 });
  });

  it('ends when the credential is revoked', async () => {
    const identify = (event: number) => {
      if (event > 2) throw new GatewayError('UNAUTHENTICATED');
      return ANONYMOUS;
    };
    const { codes, record } = await run({ identify });
    expect(codes).toEqual([null, null, 'UNAUTHENTICATED']);
    expect(record).toMatchObject({ events: 2, code: 'UNAUTHENTICATED' });
  });

  it('ends when its caller loses a scope, where values are masked by scopes, and else goes on', async () => {
    const scoped = (scope: string) => ({ ...ANONYMOUS, scopes: new Set([scope]) });
    const identify = (event: number) => scoped(event > 1 ? 'read' : 'unmask:personal');
    const principal = scoped('unmask:personal');
    const sensitive = [{ slot: 0, classes: ['PERSONAL'] as const }];
    const masked = await run({ identify, principal, sensitive });
    expect(masked.codes).toEqual([null, 'SUBSCRIPTION_ENDED']);
    expect((await run({ identify, principal })).codes).toEqual([null, null, null]);
  });

  it('ends when nobody could account for an event', async () => {
    const { codes } = await run({ healthy: () => false });
    expect(codes).toEqual(['AUDIT_UNAVAILABLE']);
  });

  it('records a stream that upstream completed', async () => {
    const { codes, record } = await run({});
    expect(codes).toEqual([null, null, null]);
    expect(record).toMatchObject({ events: 3, code: null, status: 200 });
  });
});
