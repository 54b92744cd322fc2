import { describe, expect, it } from 'vitest';
import type { GraphQLRequest } from '../../src/listener/request.ts';
import { admit } from '../../src/operation/admit.ts';
import { codeOf, compiled, compose, DEFAULT_LIMITS, refusalOf } from './graph-kit.ts';

const GRAPH = compose('type Query { a: String } type Mutation { a: String } type Subscription { a: String }');

function requestBy(method: string, batch: GraphQLRequest['batch'] = null): GraphQLRequest {
  return {
    id: 'r',
    receivedAtMs: 0,
    method,
    remoteAddress: '127.0.0.1',
    responseMediaType: 'application/graphql-response+json',
    authorization: [],
    headers: {},
    params: { query: null, operationName: null, variables: {}, extensions: {} },
    batch,
    streams: false,
    signal: new AbortController().signal,
  };
}

describe('admission', () => {
  it.each(['GET', 'HEAD', 'PUT', 'post'])('refuses a mutation by %s and says what is allowed', (method) => {
    const error = refusalOf(() =>
      admit(compiled(GRAPH, 'mutation { a }'), requestBy(method), DEFAULT_LIMITS),
    );
    expect(error).toMatchObject({ code: 'METHOD_NOT_ALLOWED', status: 405, headers: { allow: 'POST' } });
  });

  it('judges the operation that is selected, not the document', () => {
    const text = 'query A { a } mutation B { a }';
    const chosen = (operationName: string) => compiled(GRAPH, text, { operationName });
    expect(() => admit(chosen('A'), requestBy('GET'), DEFAULT_LIMITS)).not.toThrow();
    expect(codeOf(() => admit(chosen('B'), requestBy('GET'), DEFAULT_LIMITS))).toBe('METHOD_NOT_ALLOWED');
  });

  it.each([
    ['{ a }', 'GET'],
    ['{ a }', 'POST'],
    ['mutation { a }', 'POST'],
  ])('admits %s by %s', (text, method) => {
    expect(() => admit(compiled(GRAPH, text), requestBy(method), DEFAULT_LIMITS)).not.toThrow();
  });

  it.each(['GET', 'POST'])('refuses a subscription by %s', (method) => {
    const operation = compiled(GRAPH, 'subscription { a }');
    expect(codeOf(() => admit(operation, requestBy(method), DEFAULT_LIMITS))).toBe(
      'SUBSCRIPTION_NOT_SUPPORTED',
    );
  });

  it('refuses the operation that takes its batch above a limit, and only warns where config says so', () => {
    const operation = compiled(GRAPH, '{ x: a }');
    const limits = { ...DEFAULT_LIMITS, aliases: 2 };
    const batch = { size: 3, used: new Map<string, number>() };
    for (let i = 0; i < 2; i += 1)
      expect(() => admit(operation, requestBy('POST', batch), limits)).not.toThrow();
    expect(codeOf(() => admit(operation, requestBy('POST', batch), limits))).toBe('MAX_ALIASES_LIMIT');
    expect(() => admit(operation, requestBy('POST', batch), { ...limits, warnOnly: true })).not.toThrow();
  });
});
