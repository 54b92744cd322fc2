import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AuthorizationOptions, authorize } from '../../src/authorization/authorize.ts';
import type { Decision } from '../../src/authorization/decision.ts';
import { respondDenied } from '../../src/execution/respond.ts';
import { ANONYMOUS, type Principal } from '../../src/identity/principal.ts';
import { request } from '../execution/execution-kit.ts';
import { NO_UNMASKING } from '../execution/masking-kit.ts';
import { compiled, compose, user } from '../operation/graph-kit.ts';

const GRAPH = compose(`
  type Query {
    open: String
    node: Node
    nodes: [Node!]
    acr: String @stepUp(acr: ["gold", "silver"])
    amr: String @stepUp(amr: ["pwd", "otp"])
    fresh: String @stepUp(maxAgeSeconds: 60)
    all: String @requiresScopes(scopes: [["s"]]) @stepUp(acr: ["gold"], amr: ["otp"], maxAgeSeconds: 60)
  }
  interface Node { id: ID! secret: String }
  type Vault implements Node @stepUp(amr: ["otp"]) { id: ID! secret: String }
  type Box implements Node { id: ID! secret: String @stepUp(amr: ["otp"]) self: Box }
`);
const NOW_MS = 1_000_000_000;
const AUTH_TIME = NOW_MS / 1000 - 60;
const FILTER: AuthorizationOptions = { mode: 'filter', dryRun: false, introspection: 'permit' };

const decide = (
  text: string,
  principal: Principal,
  { nowMs = NOW_MS, mode = 'filter' as AuthorizationOptions['mode'], variables = {} } = {},
): Promise<Decision> | Decision =>
  authorize(
    { operation: compiled(GRAPH, text), principal, variables, grant: null, nowMs },
    { ...FILTER, mode },
    {
      allows: () => false,
    },
  );
const codes = async (...given: Parameters<typeof decide>) =>
  (await decide(...given)).reasons.map(({ code }) => code);
const proven = (part: Partial<Principal>): Principal => ({ ...user('s'), ...part });

describe('a stronger authentication', () => {
  it.each([
    ['acr', { acr: 'gold' }, true],
    ['acr', { acr: 'silver' }, true],
    ['acr', { acr: 'Gold' }, false],
    ['acr', { acr: 'gold silver' }, false],
    ['acr', { acr: null }, false],
    ['amr', { amr: ['otp', 'pwd', 'hwk'] }, true],
    ['amr', { amr: ['otp'] }, false],
    ['amr', { amr: ['pwd otp'] }, false],
    ['amr', { amr: [] }, false],
    ['fresh', { authTime: AUTH_TIME }, true],
    ['fresh', { authTime: AUTH_TIME - 1 }, false],
    ['fresh', { authTime: null }, false],
    ['fresh', { authTime: Number.NaN }, false],
    ['fresh', { authTime: NOW_MS / 1000 + 60 }, true],
    ['fresh', { authTime: NOW_MS / 1000 + 61 }, false],
    ['all', { acr: 'gold', amr: ['otp'], authTime: AUTH_TIME }, true],
    ['all', { acr: 'gold', amr: ['otp'], authTime: AUTH_TIME - 1 }, false],
    ['all', { acr: 'gold', amr: [], authTime: AUTH_TIME }, false],
    ['all', { acr: 'silver', amr: ['otp'], authTime: AUTH_TIME }, false],
    ['open', {}, true],
  ] as const)('is needed for %s: %j', async (field, part, holds) => {
    expect(await codes(`{ ${field} }`, proven(part))).toEqual(holds ? [] : ['STEP_UP_REQUIRED']);
  });

  it('wears off while nothing else changes', async () => {
    const principal = proven({ authTime: NOW_MS / 1000 });
    expect(await codes('{ fresh }', principal, { nowMs: NOW_MS + 60_000 })).toEqual([]);
    expect(await codes('{ fresh }', principal, { nowMs: NOW_MS + 60_001 })).toEqual(['STEP_UP_REQUIRED']);
  });

  it('is not asked of who may not have the field at all, nor of nobody', async () => {
    expect(await codes('{ all }', user())).toEqual(['UNAUTHORIZED_FIELD_OR_TYPE']);
    expect(await codes('{ amr }', ANONYMOUS)).toEqual(['UNAUTHORIZED_FIELD_OR_TYPE']);
  });

  it('is asked for by a challenge where the whole is refused', async () => {
    const decision = await decide('{ all fresh }', proven({}), { mode: 'reject' });
    if (decision.effect !== 'deny') throw new Error(decision.effect);
    const { status, headers, body } = respondDenied(request('application/json'), decision, false, {
      authorizationErrors: 'errors',
      masking: NO_UNMASKING,
    });
    expect([status, headers['www-authenticate']]).toEqual([
      401,
      'Bearer error="insufficient_user_authentication", error_description="A stronger or fresher authentication is required", acr_values="gold", max_age="60"',
    ]);
    expect(body.errors?.[0]?.extensions).toMatchObject({
      ...{ code: 'STEP_UP_REQUIRED', acrValues: ['gold'], amr: ['otp'], maxAge: 60 },
    });
  });

  it('never lets a field run without it, whatever is asked how', async () => {
    const inner = fc.constantFrom(
      ...[
        'id',
        'secret',
        's: secret',
        '...N',
        '... on Vault { id }',
        '... on Box { secret self { secret } }',
        '__typename',
      ],
    );
    const root = fc.constantFrom('open', 'acr', 'x: amr', 'fresh @include(if: $on)', '...F');
    const text = fc
      .tuple(fc.array(root, { maxLength: 4 }), fc.array(inner, { minLength: 1, maxLength: 4 }))
      .map(
        ([roots, set]) =>
          `query ($on: Boolean = true) { ${roots.join(' ')} node { ${set.join(' ')} ...N } list: nodes { ${set.join(' ')} } ...F u: open @skip(if: $on) }
           fragment N on Node { id ... on Box { b: secret } } fragment F on Query { f: amr node { ... on Vault { secret } } }`,
      );
    await fc.assert(
      fc.asyncProperty(text, fc.boolean(), async (query, on) => {
        const decision = await decide(query, proven({ amr: ['pwd'] }), { variables: { on } });
        if (decision.effect !== 'filter') throw new Error(decision.effect);
        const { text: runs = null } = await compiled(GRAPH, query).planFor(decision.mask);
        const left = (runs ?? '').replaceAll('... on Vault {\n', '');
        for (const forbidden of [/\bamr\b/u, /\bacr\b/u, /\bsecret\b/u]) expect(left).not.toMatch(forbidden);
        if (on) expect(left).not.toMatch(/\bfresh\b/u);
      }),
      { numRuns: 300 },
    );
  });
});
