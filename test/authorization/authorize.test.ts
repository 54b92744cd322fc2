import { describe, expect, it } from 'vitest';
import { type AuthorizationOptions, authorize } from '../../src/authorization/authorize.ts';
import type { Decision } from '../../src/authorization/decision.ts';
import type { PolicyDecider } from '../../src/authorization/rules/rule.ts';
import { RULES } from '../../src/authorization/rules/rules.ts';
import { ANONYMOUS, type Principal, type PrincipalKind } from '../../src/identity/principal.ts';
import type { CompiledOperation } from '../../src/operation/operation.ts';
import type { Requirement } from '../../src/supergraph/policy.ts';
import { compiled, compose, user } from '../operation/graph-kit.ts';

const GRAPH = compose(`
  type Query {
    open: String
    signedIn: String @authenticated
    scoped: String @requiresScopes(scopes: [["a", "b"], ["c"]])
    ruled: String @policy(policies: [["p", "q"], ["r"]])
    all: String @authenticated @requiresScopes(scopes: [["a"]]) @policy(policies: [["p"]])
    list: [[Item!]] any: [Any]
  }
  type Item { id: ID secret: String @requiresScopes(scopes: [["s"]]) }
  union Any = Item | Hidden
  type Hidden @requiresScopes(scopes: [["h"]]) { id: ID }
`);
const FILTER: AuthorizationOptions = { mode: 'filter', dryRun: false, introspection: 'permit' };
const NO_POLICIES: PolicyDecider = { allows: () => false };

const decide = (
  text: string,
  principal: Principal,
  options: Partial<AuthorizationOptions> & {
    policies?: PolicyDecider;
    variables?: Record<string, unknown>;
  } = {},
): Promise<Decision> | Decision =>
  authorize(
    {
      operation: compiled(GRAPH, text),
      principal,
      variables: options.variables ?? {},
      grant: null,
      nowMs: 0,
    },
    { ...FILTER, ...options },
    options.policies ?? NO_POLICIES,
  );

const permitting = (...names: string[]): PolicyDecider => ({ allows: (name) => names.includes(name) });
const ofKind = (kind: PrincipalKind): Principal => ({ ...user(), kind });
const rules = ({ reasons }: Decision) => reasons.map(({ rule }) => rule);

/** An operation that asks one thing, whatever the schema would let through. */
function asking(requirement: Requirement): CompiledOperation {
  const operation = compiled(GRAPH, '{ scoped }');
  return { ...operation, guards: [{ requirement, when: null }] };
}

describe('requirements', () => {
  it.each([
    ['signedIn', ANONYMOUS, ['authenticated']],
    ['signedIn', ofKind('user'), []],
    ['signedIn', ofKind('service'), []],
    ['signedIn', ofKind('agent'), []],
    ['scoped', user(), ['scopes']],
    ['scoped', user('a'), ['scopes']],
    ['scoped', user('b'), ['scopes']],
    ['scoped', user('a', 'b'), []],
    ['scoped', user('c'), []],
    ['scoped', user('a b'), ['scopes']],
    ['scoped', user('A', 'B'), ['scopes']],
    ['scoped', user('*'), ['scopes']],
    ['scoped', { ...user(), roles: new Set(['a', 'b', 'c']) }, ['scopes']],
    ['all', user(), ['scopes']],
    ['all', { ...ANONYMOUS, scopes: new Set(['a']) }, ['authenticated']],
    ['all', user('a'), ['policies']],
    ['open', ANONYMOUS, []],
  ])('judge %s by what the principal has', async (field, principal, expected) => {
    expect(rules(await decide(`{ ${field} }`, principal))).toEqual(expected);
  });

  it.each([
    [[], false],
    [['p'], false],
    [['q'], false],
    [['p', 'q'], true],
    [['r'], true],
    [['P', 'Q', 'R'], false],
  ])('judge policies %j as a choice of lists: %s', async (names, passes) => {
    const decision = await decide('{ ruled }', user(), { policies: permitting(...names) });
    expect(decision.effect).toBe(passes ? 'permit' : 'filter');
  });

  it('tell a policy decider who asks and what, and nothing of the variables', async () => {
    const seen: unknown[] = [];
    const principal = user();
    const policies: PolicyDecider = { allows: (...given) => seen.push(given) > 0 };
    await decide('query Q { ruled }', principal, { policies, variables: { secret: 1 } });
    expect(seen[0]).toMatchObject([
      expect.stringMatching(/^[pqr]$/u),
      principal,
      { name: 'Q', type: 'query' },
    ]);
    expect(JSON.stringify(seen)).not.toContain('variables');
  });

  it('deny when a rule throws, and say so', async () => {
    const policies: PolicyDecider = {
      allows: () => {
        throw new Error('database password hunter2');
      },
    };
    const decision = await decide('{ open ruled }', user(), { policies });
    expect(decision).toMatchObject({ effect: 'filter', reasons: [{ rule: 'policies.fault' }] });
    expect(JSON.stringify(decision)).not.toContain('hunter2');
  });

  it.each([
    [
      'asks for nothing that any rule knows',
      { authenticated: false, scopes: null, policies: null },
      'unknown-requirement',
    ],
    ['has no alternative of scopes', { authenticated: false, scopes: [], policies: null }, 'scopes'],
    ['has an empty alternative of scopes', { authenticated: false, scopes: [[]], policies: null }, 'scopes'],
    ['has no alternative of policies', { authenticated: false, scopes: null, policies: [] }, 'policies'],
    [
      'has an empty alternative of policies',
      { authenticated: false, scopes: null, policies: [[]] },
      'policies',
    ],
  ])('deny a requirement that %s', async (_, requirement, rule) => {
    const decision = await authorize(
      {
        operation: asking(requirement),
        principal: user('a', 'b', 'c'),
        variables: {},
        grant: null,
        nowMs: 0,
      },
      FILTER,
      permitting('p', 'q', 'r'),
    );
    expect(decision.effect).not.toBe('permit');
    expect(rules(decision)).toEqual([rule]);
  });

  it('deny as a whole where failed guards remove nothing', async () => {
    const operation = asking({ authenticated: true, scopes: null, policies: null });
    const whole = { ...operation, planFor: () => operation.planFor('') };
    const decision = await authorize(
      { operation: whole, principal: ANONYMOUS, variables: {}, grant: null, nowMs: 0 },
      FILTER,
      NO_POLICIES,
    );
    expect(decision).toMatchObject({ effect: 'deny', reasons: [{ code: 'FORBIDDEN' }] });
  });

  it('are judged by a frozen list of rules with distinct names', () => {
    expect(Object.isFrozen(RULES)).toBe(true);
    expect(new Set(RULES.map(({ name }) => name)).size).toBe(RULES.length);
  });
});

describe('the decision', () => {
  const effects: readonly (readonly [
    AuthorizationOptions['mode'],
    boolean,
    string,
    Decision['effect'],
    number,
  ])[] = [
    ['filter', false, '{ open }', 'permit', 0],
    ['filter', false, '{ open scoped }', 'filter', 1],
    ['filter', false, '{ scoped }', 'filter', 1],
    ['filter', true, '{ open scoped }', 'permit', 1],
    ['filter', true, '{ open }', 'permit', 0],
    ['reject', false, '{ open }', 'permit', 0],
    ['reject', false, '{ open scoped }', 'deny', 1],
    ['reject', false, '{ any { ... on Hidden { id } } }', 'deny', 1],
    ['reject', true, '{ open scoped }', 'permit', 1],
  ];

  it.each(effects)('in mode %s with dryRun %s of %s is %s', async (mode, dryRun, text, effect, count) => {
    const decision = await decide(text, user(), { mode, dryRun });
    expect(decision.effect).toBe(effect);
    expect(decision.reasons).toHaveLength(count);
    if (decision.effect === 'permit') expect(decision.mask).toBe('');
    if (decision.effect === 'filter') expect(decision.mask).not.toBe('');
  });

  it('names the path with a step for each list', async () => {
    const decision = await decide('{ x: list { y: secret } any { ... on Hidden { id } } }', user());
    expect(decision.reasons).toEqual([
      {
        rule: 'scopes',
        code: 'UNAUTHORIZED_FIELD_OR_TYPE',
        coordinate: 'Item.secret',
        path: ['x', '@', '@', 'y'],
      },
      { rule: 'scopes', code: 'UNAUTHORIZED_FIELD_OR_TYPE', coordinate: 'Hidden', path: ['any', '@'] },
    ]);
  });

  it('masks for each principal what that principal lacks, in any order of asking', async () => {
    const operation = compiled(GRAPH, '{ signedIn scoped ruled list { secret } }');
    const ask = (principal: Principal) =>
      authorize({ operation, principal, variables: {}, grant: null, nowMs: 0 }, FILTER, NO_POLICIES);
    const principals = [ANONYMOUS, user(), user('c'), user('s'), user('c', 's')];
    const once = await Promise.all(principals.map(ask));
    const reversed = await Promise.all(principals.toReversed().map(ask));
    expect(reversed.toReversed()).toEqual(once);
    expect(new Set(once.map((decision) => (decision.effect === 'filter' ? decision.mask : ''))).size).toBe(5);
  });

  it.each([
    [true, 'filter'],
    [false, 'permit'],
  ])('judges a switched selection only where it is on: %s', async (on, effect) => {
    const text = 'query($on: Boolean!) { open scoped @include(if: $on) }';
    expect((await decide(text, user(), { variables: { on } })).effect).toBe(effect);
  });
});

describe('introspection', () => {
  const table: readonly (readonly [AuthorizationOptions['introspection'], PrincipalKind, string | null])[] = [
    ['permit', 'anonymous', null],
    ['permit', 'user', null],
    ['authenticated', 'anonymous', 'UNAUTHENTICATED'],
    ['authenticated', 'user', null],
    ['authenticated', 'service', null],
    ['authenticated', 'agent', null],
    ['deny', 'anonymous', 'INTROSPECTION_DISABLED'],
    ['deny', 'user', 'INTROSPECTION_DISABLED'],
    ['deny', 'service', 'INTROSPECTION_DISABLED'],
  ];

  for (const text of [
    '{ __schema { description } }',
    '{ open x: __type(name: "Item") { name } }',
    '{ ... { __schema { description } } }',
  ]) {
    it.each(table)(`of ${text} under %s by %s is refused with %s`, async (introspection, kind, code) => {
      for (const dryRun of [false, true]) {
        const decision = await decide(text, ofKind(kind), { introspection, dryRun });
        if (code === null) expect(decision.effect).toBe('permit');
        else expect(decision).toMatchObject({ effect: 'deny', reasons: [{ rule: 'introspection', code }] });
      }
    });
  }

  it('is not what __typename asks for', async () => {
    expect((await decide('{ __typename open }', ANONYMOUS, { introspection: 'deny' })).effect).toBe('permit');
  });
});
