import { describe, expect, it } from 'vitest';
import { type AuthorizationOptions, authorize } from '../../src/authorization/authorize.ts';
import type { Decision, Reason } from '../../src/authorization/decision.ts';
import { CATALOGUE, type ErrorCode, GatewayError } from '../../src/errors.ts';
import type { ExecutionResult } from '../../src/execution/executor.ts';
import { leafChecks } from '../../src/execution/leaf-values.ts';
import { type RespondOptions, respond, respondDenied, respondRefused } from '../../src/execution/respond.ts';
import type { GatewayResponse } from '../../src/listener/request.ts';
import { NO_UNMASKING } from '../execution/masking-kit.ts';
import { compiled, compose, user } from '../operation/graph-kit.ts';
import { request, settings } from './execution-kit.ts';

const GRAPH = compose(`
  type Query { open: Int must: Int! secret: String @requiresScopes(scopes: [["s"]]) items: [Item] any: [Any] }
  type Item { id: ID hidden: Int @requiresScopes(scopes: [["h"]]) }
  union Any = Item | Locked
  type Locked @requiresScopes(scopes: [["l"]]) { id: ID }
`);
const JSON_RESPONSE = 'application/graphql-response+json';
const LEGACY = 'application/json';
const UNAUTHORIZED = {
  message: 'Unauthorized field or type',
  extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE', requestId: 'request-1' },
};

interface Answered {
  readonly data: ExecutionResult['data'];
  readonly errors?: ExecutionResult['errors'];
  readonly location?: RespondOptions['authorizationErrors'];
  readonly dryRun?: boolean;
}

/** Answers an operation of a caller without any scope. */
async function answer(
  text: string,
  { data, errors = [], location = 'errors', dryRun = false }: Answered,
): Promise<GatewayResponse> {
  const operation = compiled(GRAPH, text);
  const options: AuthorizationOptions = { mode: 'filter', dryRun, introspection: 'permit' };
  const decision = await authorize(
    { operation, principal: user(), variables: {}, grant: null, nowMs: 0 },
    options,
    {
      allows: () => false,
    },
  );
  if (decision.effect !== 'permit' && decision.effect !== 'filter') throw new Error(decision.effect);
  const variant = await operation.planFor(decision.mask);
  return respond(
    request(JSON_RESPONSE),
    {
      operation,
      variant,
      variables: {},
      decision,
      principal: user(),
      result: { data, errors, fetches: [] },
      meter: null,
      reportForeign: () => undefined,
      reportCounts: () => undefined,
    },
    { leafChecks: leafChecks(GRAPH.apiSchema), subgraphs: new Map([['a', settings('a')]]) },
    { authorizationErrors: location, masking: NO_UNMASKING },
  );
}

describe('the answer of an operation that ran', () => {
  it('has no errors and no extensions where there are none', async () => {
    expect(await answer('{ open }', { data: { open: 1 } })).toEqual({
      status: 200,
      headers: {},
      body: { data: { open: 1 } },
    });
  });

  it('tells refused paths as errors', async () => {
    const { status, body } = await answer('{ open secret }', { data: { open: 1, secret: 'leak' } });
    expect(status).toBe(200);
    expect(body).toEqual({
      errors: [{ ...UNAUTHORIZED, path: ['secret'] }],
      data: { open: 1, secret: null },
    });
  });

  it('tells refused paths in the extensions where config says so', async () => {
    const { body } = await answer('{ open secret }', { data: { open: 1 }, location: 'extensions' });
    expect(body).toEqual({
      data: { open: 1, secret: null },
      extensions: { authorizationErrors: [{ ...UNAUTHORIZED, path: ['secret'] }] },
    });
  });

  it('tells nothing of refused paths where config says so', async () => {
    const { body } = await answer('{ open secret }', { data: { open: 1 }, location: 'disabled' });
    expect(body).toEqual({ data: { open: 1, secret: null } });
  });

  it.each([
    ['errors', { errors: [{ ...UNAUTHORIZED, path: ['secret'] }], data: null }],
    [
      'extensions',
      { data: null, extensions: { authorizationErrors: [{ ...UNAUTHORIZED, path: ['secret'] }] } },
    ],
    ['disabled', { data: null }],
  ] as const)('has null data where everything was removed, told by %s', async (location, body) => {
    expect((await answer('{ secret }', { data: null, location })).body).toEqual(body);
  });

  it('removes nothing in a dry run, and reports in the extensions', async () => {
    const { body } = await answer('{ open secret }', { data: { open: 1, secret: 'shown' }, dryRun: true });
    expect(body).toEqual({
      data: { open: 1, secret: 'shown' },
      extensions: { authorizationErrors: [{ ...UNAUTHORIZED, path: ['secret'] }] },
    });
  });

  it('tells a removal once with a step for the list, and an object of a refused type by its index', async () => {
    const { body } = await answer('{ items { hidden } any { ... on Locked { id } ... on Item { id } } }', {
      data: {
        items: [{}, {}],
        any: [
          { __typename: 'Item', id: 'i' },
          { __typename: 'Locked', id: 'leak' },
        ],
      },
    });
    expect(body.errors).toEqual([
      { ...UNAUTHORIZED, path: ['items', '@', 'hidden'] },
      { ...UNAUTHORIZED, path: ['any', 1] },
    ]);
    expect(body.data).toEqual({ items: [{ hidden: null }, { hidden: null }], any: [{ id: 'i' }, null] });
  });

  it('tells a path that several uses share once', async () => {
    const { body } = await answer('{ open secret ... { secret } ...F } fragment F on Query { secret }', {
      data: { open: 1 },
    });
    expect(body.errors).toHaveLength(1);
  });

  it('tells a value that does not fit, and not where a subgraph told it already', async () => {
    const misfit = { code: 'DOWNSTREAM_SERVICE_ERROR', requestId: 'request-1' };
    const alone = await answer('{ must }', { data: {} });
    expect(alone.body).toMatchObject({ data: null, errors: [{ path: ['must'], extensions: misfit }] });
    const errors = [{ message: 'secret', path: ['must'], subgraph: 'a', extensions: {} }];
    const told = await answer('{ must }', { data: {}, errors });
    expect(told.body.errors).toEqual([
      { message: CATALOGUE.DOWNSTREAM_SERVICE_ERROR.message, path: ['must'], extensions: misfit },
    ]);
  });

  it('never shows what a subgraph said of its own faults', async () => {
    const errors = [
      {
        message: 'hunter2',
        path: ['open', 'hunter2'],
        subgraph: 'a',
        extensions: { code: 'hunter2', trace: 'hunter2' },
      },
    ];
    const response = await answer('{ open }', { data: { open: 'hunter2', hunter2: 1 }, errors });
    expect(JSON.stringify(response)).not.toContain('hunter2');
  });
});

const denied = (...reasons: readonly Partial<Reason>[]): Extract<Decision, { effect: 'deny' }> => ({
  effect: 'deny',
  reasons: reasons.map((reason) => ({
    rule: 'r',
    code: 'UNAUTHORIZED_FIELD_OR_TYPE',
    coordinate: 'Query.secret',
    path: ['secret'],
    ...reason,
  })),
});

describe('the answer of a denied operation', () => {
  it.each([
    [true, 401],
    [false, 403],
  ])('has no data, and for an anonymous caller (%s) the status %i', (anonymous, status) => {
    const response = respondDenied(request(LEGACY), denied({}), anonymous, {
      authorizationErrors: 'errors',
      masking: NO_UNMASKING,
    });
    expect(response.status).toBe(status);
    expect('data' in response.body).toBe(false);
    expect('www-authenticate' in response.headers).toBe(anonymous);
    expect(response.body.errors).toEqual([{ ...UNAUTHORIZED, path: ['secret'] }]);
  });

  it.each([
    ['UNAUTHENTICATED', 401],
    ['INTROSPECTION_DISABLED', 403],
    ['FORBIDDEN', 403],
  ] as const)('has the status of %s', (code, status) => {
    const response = respondDenied(request(JSON_RESPONSE), denied({ code, path: null }), false, {
      authorizationErrors: 'disabled',
      masking: NO_UNMASKING,
    });
    expect(response).toMatchObject({ status, body: { errors: [{ extensions: { code } }] } });
  });

  it.each([
    ['errors', 2, undefined],
    ['extensions', 1, 2],
    ['disabled', 1, undefined],
  ] as const)('tells paths by %s', (location, errors, reported) => {
    const decision = denied({}, { path: ['x', '@'] }, { path: ['secret'] });
    const { body } = respondDenied(request(LEGACY), decision, false, {
      authorizationErrors: location,
      masking: NO_UNMASKING,
    });
    expect(body.errors).toHaveLength(errors);
    if (location !== 'errors') expect(JSON.stringify(body.errors)).not.toContain('path');
    expect((body.extensions?.['authorizationErrors'] as unknown[] | undefined)?.length).toBe(reported);
  });

  it('never shows the rule or the coordinate', () => {
    const decision = denied({ rule: 'hunter2', coordinate: 'hunter2' });
    for (const authorizationErrors of ['errors', 'extensions', 'disabled'] as const) {
      expect(
        JSON.stringify(
          respondDenied(request(LEGACY), decision, false, { authorizationErrors, masking: NO_UNMASKING }),
        ),
      ).not.toContain('hunter2');
    }
  });
});

describe('the answer of a refused request', () => {
  const legacy200 = [
    'GRAPHQL_PARSE_FAILED',
    'GRAPHQL_VALIDATION_FAILED',
    'OPERATION_RESOLUTION_FAILURE',
    'BAD_USER_INPUT',
  ];

  it.each(Object.keys(CATALOGUE) as ErrorCode[])('has for %s the status of its media type', (code) => {
    const error = new GatewayError(code);
    expect(respondRefused(request(JSON_RESPONSE), error).status).toBe(CATALOGUE[code].status);
    expect(respondRefused(request(LEGACY), error).status).toBe(
      legacy200.includes(code) ? 200 : CATALOGUE[code].status,
    );
  });

  it('has no data, names the request, and shows nothing of the cause', () => {
    const cause = new Error('hunter2', { cause: 'hunter2' });
    const error = new GatewayError('INTERNAL_SERVER_ERROR', { cause, coordinate: 'hunter2' });
    const response = respondRefused(request(LEGACY), error);
    expect(response.body).toEqual({
      errors: [
        {
          message: 'Internal server error',
          extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: 'request-1' },
        },
      ],
    });
    expect(JSON.stringify(response)).not.toContain('hunter2');
  });

  it('tells each safe line with its place', () => {
    const details = [{ message: 'one', locations: [{ line: 1, column: 2 }] }, { message: 'two' }];
    const { body } = respondRefused(
      request(JSON_RESPONSE),
      new GatewayError('GRAPHQL_VALIDATION_FAILED', { details }),
    );
    const extensions = { code: 'GRAPHQL_VALIDATION_FAILED', requestId: 'request-1' };
    expect(body.errors).toEqual(details.map((detail) => ({ ...detail, extensions })));
  });

  it('carries the challenge and the headers that the refusal needs', () => {
    const error = new GatewayError('UNAUTHENTICATED', {
      challenge: 'Bearer error="x"',
      headers: { allow: 'POST' },
    });
    expect(respondRefused(request(LEGACY), error).headers).toEqual({
      allow: 'POST',
      'www-authenticate': 'Bearer error="x"',
    });
  });
});
