import fc from 'fast-check';
import { parse, visit } from 'graphql';
import { describe, expect, it } from 'vitest';
import { type AuthorizationOptions, authorize } from '../../src/authorization/authorize.ts';
import type { Decision } from '../../src/authorization/decision.ts';
import type { Grant } from '../../src/control/grant.ts';
import { Grants } from '../../src/control/grants.ts';
import { leafChecks } from '../../src/execution/leaf-values.ts';
import { respond, respondDenied } from '../../src/execution/respond.ts';
import { ANONYMOUS } from '../../src/identity/principal.ts';
import { CLOSED, product } from '../control/control-kit.ts';
import { request, settings } from '../execution/execution-kit.ts';
import { NO_UNMASKING } from '../execution/masking-kit.ts';
import { compiled, compose, user } from '../operation/graph-kit.ts';

const GRAPH = compose(`
  type Query { a: String b: String must: String! node: Node nodes: [Node!] secret: String @requiresScopes(scopes: [["s"]]) }
  interface Node { id: ID! }
  type One implements Node { id: ID! one: String self: One }
  type Two implements Node { id: ID! two: String }
`);
const FILTER: AuthorizationOptions = { mode: 'filter', dryRun: false, introspection: 'permit' };
const NOBODY = { allows: () => false };

const granting = (...coordinates: string[]): Grant =>
  new Grants(
    [product('p', { coordinates }), product('rest', { coordinates: ['Query', 'Node'] })],
    GRAPH,
    CLOSED,
  ).of(['prd_p']);

function decide(
  text: string,
  grant: Grant | null,
  options: Partial<AuthorizationOptions> & { variables?: Record<string, unknown> } = {},
): Promise<Decision> | Decision {
  const operation = compiled(GRAPH, text, { coverage: grant !== null });
  const variables = options.variables ?? {};
  return authorize(
    { operation, principal: user(), variables, grant, nowMs: 0 },
    { ...FILTER, ...options },
    NOBODY,
  );
}

/** What runs after the decision, as text; null where nothing does. */
async function runs(text: string, grant: Grant, variables = {}): Promise<string | null> {
  const decision = await decide(text, grant, { variables });
  if (decision.effect !== 'permit' && decision.effect !== 'filter') return null;
  const variant = await compiled(GRAPH, text, { coverage: true }).planFor(decision.mask);
  return variant.text?.replaceAll(/\s+/gu, ' ') ?? null;
}

describe('coverage', () => {
  it('permits what is covered whole', async () => {
    expect(await decide('{ a __typename }', granting('Query.a'))).toEqual({
      effect: 'permit',
      mask: '',
      reasons: [],
    });
  });

  it('asks nothing where subscriptions are not asked for', async () => {
    expect((await decide('{ a b nodes { id } }', null)).effect).toBe('permit');
  });

  it('removes what is not covered and names who holds it', async () => {
    const decision = await decide('{ a x: b }', granting('Query.a'));
    expect(decision).toMatchObject({ effect: 'filter' });
    expect(decision.reasons).toEqual([
      {
        rule: 'subscription',
        code: 'SUBSCRIPTION_REQUIRED',
        coordinate: 'Query.b',
        path: ['x'],
        products: [{ id: 'prd_rest', name: 'rest' }],
      },
    ]);
  });

  it('refuses the whole in reject mode', async () => {
    const decision = await decide('{ a b }', granting('Query.a'), { mode: 'reject' });
    expect([decision.effect, decision.reasons[0]?.code]).toEqual(['deny', 'SUBSCRIPTION_REQUIRED']);
  });

  it('removes nothing in a dry run and tells what it would remove', async () => {
    const decision = await decide('{ a b }', granting('Query.a'), { dryRun: true });
    expect([decision.effect, decision.reasons.length]).toEqual(['permit', 1]);
  });

  it('gives the rule of the schema as the reason where both refuse', async () => {
    const { reasons } = await decide('{ secret }', granting());
    expect(reasons.map(({ code }) => code)).toEqual(['UNAUTHORIZED_FIELD_OR_TYPE']);
  });

  it('does not stand in for the rules of the schema', async () => {
    const { reasons } = await decide('{ secret }', granting('Query.secret'));
    expect(reasons.map(({ code }) => code)).toEqual(['UNAUTHORIZED_FIELD_OR_TYPE']);
  });

  it('judges fields that variables switch on, and no others', async () => {
    const text = 'query ($on: Boolean!) { a b @include(if: $on) }';
    expect(await runs(text, granting('Query.a'), { on: false })).toContain('b @include');
    expect(await runs(text, granting('Query.a'), { on: true })).not.toContain('b');
  });

  it('judges an interface’s fields by the objects that have them', async () => {
    const some = await runs('{ node { id } }', granting('Query.node', 'One.id'));
    expect(some).toContain('... on One { id }');
    expect(some).not.toContain('Two');
  });

  it('stops everything of who is suspended, introspection included', async () => {
    const { suspended } = new Grants([], GRAPH, { ...CLOSED, uncovered: 'permit' });
    for (const text of ['{ a }', '{ __typename }', '{ __schema { queryType { name } } }']) {
      const decision = await decide(text, suspended);
      expect([decision.effect, decision.reasons[0]?.code]).toEqual(['deny', 'ACCESS_SUSPENDED']);
    }
  });

  it('runs no coordinate that is not covered, whatever is asked how', async () => {
    const leaf = fc.constantFrom(
      ...['a', 'b', 'x: a', 'y: b @include(if: $on)', '__typename', '...F', '... on Query { b }'],
    );
    const inner = fc.constantFrom(
      ...['id', '... on One { one }', '... on Two { two t: id }', '... on Node { id }', '...G', '__typename'],
    );
    const nodes = fc
      .tuple(fc.constantFrom('node', 'nodes', 'n: node'), fc.array(inner, { minLength: 1, maxLength: 4 }))
      .map(([field, set]) => `${field} { ${set.join(' ')} }`);
    const text = fc.array(fc.oneof(leaf, nodes), { minLength: 1, maxLength: 6 }).map(
      (set) =>
        `query ($on: Boolean = true) { ${set.join(' ')} u: a @skip(if: $on) ...F ...on Query { node { ...G } } }
           fragment F on Query { a node { ... on One { self { self { one id } } } } } fragment G on Node { id ... on One { id one } }`,
    );
    const coordinates = [
      ...[
        'Query.a',
        'Query.b',
        'Query.node',
        'Query.nodes',
        'One.id',
        'One.one',
        'One.self',
        'Two.id',
        'Two.two',
      ],
    ];
    await fc.assert(
      fc.asyncProperty(text, fc.subarray(coordinates), fc.boolean(), async (query, held, on) => {
        const variant = await runs(query, granting(...held), { on });
        if (variant === null) return;
        for (const coordinate of coordinatesIn(variant, on)) expect(held).toContain(coordinate);
      }),
      { numRuns: 300 },
    );
  });
});

/** Concrete coordinates that a document without fragments asks for under a value of its one variable. */
function coordinatesIn(text: string, on: boolean): Set<string> {
  const found = new Set<string>();
  const holders: string[][] = [];
  const objects = (name: string): string[] => (name === 'Node' ? ['One', 'Two'] : [name]);
  const returned: Record<string, string> = { node: 'Node', nodes: 'Node', self: 'One' };
  visit(parse(text), {
    OperationDefinition: { enter: () => void holders.push(['Query']) },
    InlineFragment: {
      enter: ({ typeCondition }) =>
        void holders.push(
          typeCondition === undefined ? (holders.at(-1) ?? []) : objects(typeCondition.name.value),
        ),
      leave: () => void holders.pop(),
    },
    Field: {
      enter: ({ name, directives }) => {
        const off = directives?.some((directive) => (directive.name.value === 'skip') === on);
        if (off === true) return false;
        if (name.value !== '__typename')
          for (const holder of holders.at(-1) ?? []) found.add(`${holder}.${name.value}`);
        holders.push(objects(returned[name.value] ?? ''));
        return undefined;
      },
      leave: () => void holders.pop(),
    },
  });
  return found;
}

describe('the answer', () => {
  const answered = async (text: string, grant: Grant, data: Record<string, unknown>) => {
    const decision = await decide(text, grant);
    if (decision.effect !== 'filter' && decision.effect !== 'permit') throw new Error(decision.effect);
    const operation = compiled(GRAPH, text, { coverage: true });
    return respond(
      request('application/graphql-response+json'),
      {
        operation,
        variant: await operation.planFor(decision.mask),
        variables: {},
        decision,
        principal: user(),
        result: { data, errors: [], fetches: [] },
        meter: null,
        reportForeign: () => undefined,
        reportCounts: () => undefined,
      },
      { leafChecks: leafChecks(GRAPH.apiSchema), subgraphs: new Map([['a', settings('a')]]) },
      { authorizationErrors: 'errors', masking: NO_UNMASKING },
    );
  };

  it('has null and a coded error with products for what is not covered', async () => {
    const { status, body } = await answered('{ a b }', granting('Query.a'), { a: 'A', b: 'B' });
    expect([status, body.data]).toEqual([200, { a: 'A', b: null }]);
    expect(body.errors?.[0]).toMatchObject({
      path: ['b'],
      extensions: { code: 'SUBSCRIPTION_REQUIRED', products: [{ id: 'prd_rest', name: 'rest' }] },
    });
  });

  it('tells each object of a list whose type is not covered', async () => {
    const { body } = await answered('{ nodes { id } }', granting('Query.nodes', 'One.id'), {
      nodes: [
        { __typename: 'One', id: '1' },
        { __typename: 'Two', id: '2' },
      ],
    });
    expect(body.data).toEqual({ nodes: null });
    expect(body.errors?.[0]).toMatchObject({
      path: ['nodes', 1, 'id'],
      extensions: { code: 'SUBSCRIPTION_REQUIRED' },
    });
  });

  it('is 403 for a refused whole, and 401 for who is nobody', async () => {
    const decision = await decide('{ b }', granting(), { mode: 'reject' });
    if (decision.effect !== 'deny') throw new Error(decision.effect);
    const status = (anonymous: boolean) =>
      respondDenied(request('application/json'), decision, anonymous, {
        authorizationErrors: 'errors',
        masking: NO_UNMASKING,
      }).status;
    expect([status(false), status(true), ANONYMOUS.application]).toEqual([403, 401, null]);
  });
});
