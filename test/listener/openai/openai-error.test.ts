import { describe, expect, it } from 'vitest';
import { CATALOGUE, type ErrorCode } from '../../../src/errors.ts';
import { parseChat } from '../../../src/listener/openai/chat-request.ts';
import { openAiErrorOf } from '../../../src/listener/openai/openai-error.ts';

const told = (code: string, status: number, message = 'Why.') =>
  openAiErrorOf({ status, body: { errors: [{ message, extensions: { code } }] } });

describe('an error', () => {
  it.each([
    ['UNAUTHENTICATED', 401, 401, 'invalid_api_key'],
    ['SUBSCRIPTION_REQUIRED', 200, 403, 'subscription_required'],
    ['UNAUTHORIZED_FIELD_OR_TYPE', 200, 403, 'forbidden'],
    ['ACCESS_SUSPENDED', 403, 403, 'access_suspended'],
    ['RATE_LIMITED', 429, 429, 'rate_limit_exceeded'],
    ['AI_PROVIDER_RATE_LIMITED', 200, 429, 'rate_limit_exceeded'],
    ['AI_MODEL_UNKNOWN', 200, 404, 'model_not_found'],
    ['AI_TIMEOUT', 200, 504, 'timeout'],
    ['AI_GUARDRAIL_BLOCKED', 200, 400, 'content_filter'],
    ['AI_PROVIDER_ERROR', 200, 502, 'provider_error'],
    ['BAD_USER_INPUT', 200, 400, 'invalid_value'],
    ['COST_ESTIMATED_TOO_EXPENSIVE', 400, 400, 'cost_estimated_too_expensive'],
    ['SHUTTING_DOWN', 503, 503, 'shutting_down'],
    ['SWITCHED_OFF', 503, 503, 'switched_off'],
    ['SWITCHED_OFF', 200, 503, 'switched_off'],
    ['constructor', 200, 500, 'constructor'],
  ])('of %s with %i is told with %i and %s', (code, status, expected, name) => {
    const error = told(code, status);
    expect([error?.status, error?.body.error.code]).toEqual([expected, name]);
  });

  it('of every code of the catalogue is one that a client takes for an error', () => {
    for (const [code, { status }] of Object.entries(CATALOGUE) as [ErrorCode, { status: number }][])
      expect(told(code, status)?.status, code).toBeGreaterThanOrEqual(400);
  });

  it('about a document that the client never wrote says nothing of it', () => {
    expect(told('GRAPHQL_VALIDATION_FAILED', 400, 'Cannot query field "chat".')?.body.error.message).toBe(
      'The models are not available to this caller.',
    );
  });

  it('of authorization is told wherever the gateway puts it', () => {
    const authorizationErrors = [{ message: 'x', extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE' } }];
    const body = { data: { chat: null }, extensions: { authorizationErrors } };
    expect(openAiErrorOf({ status: 200, body })?.status).toBe(403);
  });

  it('is none where nothing failed', () => {
    expect(openAiErrorOf({ status: 200, body: { data: {} } })).toBeNull();
  });
});

describe('a request', () => {
  it('with a schema deeper than any stack breaks nothing; the graph holds its text to a bound', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`);
    const tools = [{ type: 'function', function: { name: 'x', parameters: deep } }];
    const parsed = parseChat({ model: 'm', messages: [{ role: 'user', content: 'x' }], tools });
    expect('params' in parsed).toBe(true);
  });

  it.each([
    [undefined, undefined],
    ['no-store', 'BYPASS'],
    ['no-cache, No-Store', 'BYPASS'],
    ['max-age=0,no-cache', 'REFRESH'],
    ['max-age=0', undefined],
    ['xno-store', undefined],
  ])('with cache-control %s asks for kept answers by %s', (header, use) => {
    const parsed = parseChat({ model: 'm', messages: [{ role: 'user', content: 'x' }] }, header);
    const { input } = ('params' in parsed ? parsed.params.variables : null) as { input: object };
    expect(input).toEqual({
      ...{ model: 'm', messages: [{ role: 'USER', content: 'x' }] },
      ...(use === undefined ? {} : { cache: use }),
    });
  });

  it.each([null, [], 'text', 7, { model: 'm' }, { model: '', messages: [{ role: 'user', content: 'x' }] }])(
    'that is %j is refused',
    (body) => {
      expect(parseChat(body)).toMatchObject({
        status: 400,
        body: { error: { type: 'invalid_request_error' } },
      });
    },
  );
});
