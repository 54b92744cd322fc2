import { APICallError } from 'ai';
import { describe, expect, it } from 'vitest';
import { judgeAttempt } from '../../../../subgraphs/ai/routing/attempt-outcome.ts';

const NOW = Date.parse('2027-01-01T00:00:00Z');
const ENDED = { timedOut: false, left: false, nowMs: NOW };
const SECRET = 'the secret recipe';

function answered(status: number, headers: Record<string, string> = {}, data?: unknown): APICallError {
  return new APICallError({
    ...{ message: SECRET, url: 'https://x', requestBodyValues: { prompt: SECRET } },
    ...{ statusCode: status, responseHeaders: headers, responseBody: SECRET, data },
  });
}

function named(name: string, cause?: unknown): Error {
  return Object.assign(new Error(SECRET, { cause }), { name });
}

describe('the outcome of an attempt', () => {
  it.each([
    [400, 'REQUEST_REFUSED'],
    [404, 'REQUEST_REFUSED'],
    [413, 'REQUEST_REFUSED'],
    [422, 'REQUEST_REFUSED'],
    [401, 'CREDENTIAL_REFUSED'],
    [402, 'CREDENTIAL_REFUSED'],
    [403, 'CREDENTIAL_REFUSED'],
    [408, 'TIMEOUT'],
    [429, 'RATE_LIMITED'],
    [500, 'PROVIDER_ERROR'],
    [502, 'PROVIDER_ERROR'],
    [503, 'OVERLOADED'],
    [504, 'TIMEOUT'],
    [529, 'OVERLOADED'],
    [200, 'MALFORMED'],
  ])('is by status %i %s, and nothing secret', (status, outcome) => {
    const fault = judgeAttempt(answered(status), ENDED);
    expect(fault).toMatchObject({ outcome, status });
    expect(JSON.stringify(fault)).not.toContain(SECRET);
  });

  it.each([
    ['FILTERED', answered(400, {}, { error: { code: 'content_filter' } })],
    ['REQUEST_REFUSED', answered(400, {}, { error: { code: 'other' } })],
    ['UNREACHABLE', new APICallError({ message: SECRET, url: 'https://x', requestBodyValues: {} })],
    ['UNREACHABLE', new TypeError('fetch failed')],
    ['MALFORMED', named('AI_JSONParseError')],
    ['MALFORMED', named('AI_APICallError', named('AI_TypeValidationError'))],
    ['MALFORMED', named('ResponseTooLargeError')],
    ['PROVIDER_ERROR', named('Error')],
    ['PROVIDER_ERROR', { type: 'overloaded_error' }],
    ['PROVIDER_ERROR', undefined],
  ])('is %s by what was thrown', (outcome, thrown) => {
    expect(judgeAttempt(thrown, ENDED).outcome).toBe(outcome);
  });

  it('is first of all that the caller left, then that the time was over', () => {
    expect(judgeAttempt(answered(500), { ...ENDED, left: true, timedOut: true }).outcome).toBe('ABANDONED');
    expect(judgeAttempt(answered(500), { ...ENDED, timedOut: true }).outcome).toBe('TIMEOUT');
  });

  it.each([
    [{ 'retry-after': '17' }, 17_000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after-ms': '1500', 'retry-after': '9' }, 1500],
    [{ 'retry-after-ms': '12.3' }, 13],
    [{ 'retry-after': 'Fri, 01 Jan 2027 00:00:05 GMT' }, 5000],
    [{ 'retry-after': 'Fri, 01 Jan 2021 00:00:05 GMT' }, 0],
    [{ 'retry-after': '999999999' }, 3_600_000],
    [{ 'retry-after-ms': '-1', 'retry-after': 'soon' }, null],
    [{}, null],
  ])('heeds %j', (headers, retryAfterMs) => {
    expect(judgeAttempt(answered(429, headers as Record<string, string>), ENDED).retryAfterMs).toBe(
      retryAfterMs,
    );
  });

  it('heeds no wait of a provider that refuses for good', () => {
    for (const status of [400, 401])
      expect(judgeAttempt(answered(status, { 'retry-after': '17' }), ENDED).retryAfterMs).toBeNull();
  });
});
