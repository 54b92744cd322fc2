import { describe, expect, it } from 'vitest';
import { checkHeaders } from '../../src/listener/check-headers.ts';

const PREFLIGHT = { 'apollo-require-preflight': '1' };

describe('checkHeaders', () => {
  it.each([
    ['a JSON POST', 'POST', { 'content-type': 'application/json' }],
    ['a JSON POST that names UTF-8', 'POST', { 'content-type': 'application/json; charset="UTF-8"' }],
    ['a GET that states JSON', 'GET', { 'content-type': 'application/json' }],
    ['a GET with apollo-require-preflight', 'GET', PREFLIGHT],
    ['a GET with x-apollo-operation-name', 'GET', { 'x-apollo-operation-name': 'Op' }],
  ] as const)('admits %s', (_title, method, headers) => {
    expect(checkHeaders(method, headers)).toBeNull();
  });

  it.each([
    ['a POST that states nothing', 'POST', {}],
    ['a GET that states nothing', 'GET', {}],
    ['a POST of plain text', 'POST', { 'content-type': 'text/plain' }],
    ['a POST of plain text in capitals', 'POST', { 'content-type': 'TEXT/PLAIN;charset=utf-8' }],
    ['a form', 'POST', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a multipart form', 'POST', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['a content type that cannot be parsed', 'POST', { 'content-type': 'application/json, text/plain' }],
    ['an empty content type', 'POST', { 'content-type': '' }],
    ['an empty preflight header', 'GET', { 'apollo-require-preflight': '' }],
    [
      'an empty operation name header',
      'POST',
      { 'x-apollo-operation-name': '', 'content-type': 'text/plain' },
    ],
  ] as const)('refuses %s as forgeable', (_title, method, headers) => {
    expect(checkHeaders(method, headers)?.code).toBe('CSRF_PREVENTED');
  });

  it.each([
    ['a POST of XML', 'POST', { 'content-type': 'application/xml' }],
    ['a POST of plain text behind a preflight', 'POST', { ...PREFLIGHT, 'content-type': 'text/plain' }],
    ['a POST without content type behind a preflight', 'POST', PREFLIGHT],
    ['a POST whose content type cannot be parsed', 'POST', { ...PREFLIGHT, 'content-type': 'json' }],
    ['a GET of another content type', 'GET', { ...PREFLIGHT, 'content-type': 'text/plain' }],
    ['the response type as request type', 'POST', { 'content-type': 'application/graphql-response+json' }],
    ['another charset', 'POST', { 'content-type': 'application/json; charset=utf-16' }],
    ['an unknown coding', 'POST', { 'content-type': 'application/json', 'content-encoding': 'zstd' }],
    ['several codings', 'POST', { 'content-type': 'application/json', 'content-encoding': 'gzip, gzip' }],
  ] as const)('refuses %s as unsupported', (_title, method, headers) => {
    expect(checkHeaders(method, headers)?.code).toBe('UNSUPPORTED_MEDIA_TYPE');
  });

  it('refuses an Accept that allows neither media type', () => {
    const headers = { 'content-type': 'application/json', accept: 'text/html' };
    expect(checkHeaders('POST', headers)?.code).toBe('NOT_ACCEPTABLE');
  });

  it('names the codings it takes when it refuses one', () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'zstd' };
    expect(checkHeaders('POST', headers)?.headers).toEqual({ 'accept-encoding': 'gzip, deflate, br' });
  });
});
