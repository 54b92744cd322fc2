import { describe, expect, it } from 'vitest';
import type { GatewayResponse } from '../../src/listener/request.ts';
import { exchange, rawCode } from './raw-http.ts';
import { codeOf, post, startListener } from './start-listener.ts';

const PREFLIGHT = { 'apollo-require-preflight': 'true' };
const HELLO = { query: '{ hello }' };

describe('methods and paths', () => {
  it.each(['PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'PROPFIND', 'QUERY'])(
    'refuses %s with Allow',
    async (method) => {
      const { port, refusals } = await startListener();
      const refused = await exchange(
        port,
        `${method} /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
      );
      expect(refused.status).toBe(405);
      expect(refused.head).toContain('allow: get, post\r\n');
      expect(refusals()).toEqual(['METHOD_NOT_ALLOWED']);
    },
  );

  it('refuses PUT as such, whatever its content type', async () => {
    const { port } = await startListener();
    const head = 'PUT /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: json\r\napollo-require-preflight: 1\r\n';
    const refused = await exchange(port, `${head}content-length: 2\r\nconnection: close\r\n\r\n{}`);
    expect([refused.status, rawCode(refused)]).toEqual([405, 'METHOD_NOT_ALLOWED']);
  });

  it('refuses a mutation by GET and answers a query by GET', async () => {
    const { url } = await startListener();
    const mutation = await fetch(`${url}?query=${encodeURIComponent('mutation { touch }')}`, {
      headers: PREFLIGHT,
    });
    expect([mutation.status, await codeOf(mutation), mutation.headers.get('allow')]).toEqual([
      405,
      'METHOD_NOT_ALLOWED',
      'POST',
    ]);
    const query = await fetch(`${url}?query=${encodeURIComponent('{ hello }')}`, { headers: PREFLIGHT });
    expect(await query.json()).toEqual({ data: { hello: 'Hello world' } });
  });

  it.each(['/', '/graphql/', '/GraphQL', '/graphql/x', '/health', '/health/other', '/.well-known/other'])(
    'answers %s with a refusal in the shape of GraphQL',
    async (path) => {
      const { origin, refusals } = await startListener();
      const refused = await post(`${origin}${path}`, HELLO);
      expect([refused.status, await codeOf(refused)]).toEqual([404, 'NOT_FOUND']);
      expect(refusals()).toEqual(['NOT_FOUND']);
    },
  );

  it('refuses a path that is not valid percent-encoding', async () => {
    const { port } = await startListener();
    const refused = await exchange(port, 'GET /%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    expect([refused.status, rawCode(refused)]).toEqual([400, 'BAD_REQUEST']);
  });

  it('ignores parameters in the URL of a POST', async () => {
    const { url, seen } = await startListener();
    await post(`${url}?query=${encodeURIComponent('mutation { touch }')}`, HELLO);
    expect(seen[0]?.params).toMatchObject({ query: '{ hello }' });
  });

  it('refuses a parameter that a GET gives twice', async () => {
    const { url } = await startListener();
    const refused = await fetch(`${url}?query={hello}&query={hello}`, { headers: PREFLIGHT });
    expect([refused.status, await codeOf(refused)]).toEqual([400, 'BAD_REQUEST']);
  });
});

describe('what a foreign page could send', () => {
  it.each([
    ['GET', {}],
    ['POST', { 'content-type': 'text/plain' }],
    ['POST', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['POST', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['POST', { 'content-type': 'application/json, text/plain' }],
    ['POST', { 'content-type': 'text/plain', 'apollo-require-preflight': '' }],
  ])('is refused: %s %j', async (method, headers) => {
    const { url, refusals } = await startListener();
    const refused =
      method === 'GET'
        ? await fetch(`${url}?query={hello}`, { headers })
        : await fetch(url, { method, headers, body: JSON.stringify(HELLO) });
    expect([refused.status, await codeOf(refused)]).toEqual([400, 'CSRF_PREVENTED']);
    expect(refusals()).toEqual(['CSRF_PREVENTED']);
  });

  it('is refused without a content type, on a socket', async () => {
    const { port } = await startListener();
    const refused = await exchange(
      port,
      'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}',
    );
    expect([refused.status, rawCode(refused)]).toEqual([400, 'CSRF_PREVENTED']);
  });

  it.each([
    ['text/plain', 415],
    ['application/json, text/plain', 415],
    ['application/json', 200],
  ])('behind a preflight is judged by its content type: %s is %d', async (contentType, status) => {
    const { url } = await startListener();
    expect((await post(url, HELLO, { ...PREFLIGHT, 'content-type': contentType })).status).toBe(status);
  });
});

describe('the answer', () => {
  it('comes in the media type that was negotiated', async () => {
    const { url } = await startListener();
    const types = new Map([
      ['application/json', 'application/json; charset=utf-8'],
      ['application/graphql-response+json', 'application/graphql-response+json; charset=utf-8'],
    ]);
    for (const [accept, type] of types) {
      const response = await post(url, HELLO, { accept });
      expect(response.headers.get('content-type')).toBe(type);
    }
  });

  it('is 406 where neither media type is accepted', async () => {
    const { url } = await startListener();
    const refused = await post(url, HELLO, { accept: 'text/html' });
    expect([refused.status, await codeOf(refused)]).toEqual([406, 'NOT_ACCEPTABLE']);
    expect(refused.headers.get('content-type')).toBe('application/json; charset=utf-8');
  });

  it('carries the id of the gateway, never the one that came in', async () => {
    const { url, seen } = await startListener();
    const response = await post(url, HELLO, { 'x-request-id': 'forged' });
    expect(response.headers.get('x-request-id')).toBe('id-1');
    expect(seen[0]?.id).toBe('id-1');
  });

  it('is neither cached nor sniffed nor framed', async () => {
    const { url } = await startListener();
    for (const response of [await post(url, HELLO), await post(url, '{'), await post(`${url}x`, HELLO)]) {
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    }
  });

  it('is a bare 500 where the request path fails, and the fault is reported', async () => {
    const faults: unknown[] = [];
    const { url } = await startListener(
      {},
      {
        handle: () => Promise.reject(new Error('s3cret')),
        onFault: (fault, requestId) => faults.push([String(fault), requestId]),
      },
    );
    const response = await post(url, HELLO);
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).not.toContain('s3cret');
    expect(JSON.parse(text).errors[0].extensions).toEqual({
      code: 'INTERNAL_SERVER_ERROR',
      requestId: 'id-1',
    });
    expect(faults).toEqual([['Error: s3cret', 'id-1']]);
  });

  it('is a bare 500 where a header of the request path cannot be written', async () => {
    const handle = async () => ({
      status: 200,
      headers: { 'x-bad': 'a\r\nset-cookie: b' },
      body: { data: null },
    });
    const { url } = await startListener({}, { handle });
    const response = await post(url, HELLO);
    expect([response.status, await codeOf(response)]).toEqual([500, 'INTERNAL_SERVER_ERROR']);
    expect(response.headers.get('set-cookie')).toBeNull();
  });
});

describe('compression', () => {
  const large: GatewayResponse = { status: 200, headers: {}, body: { data: { text: 'x'.repeat(5000) } } };
  const coded = async (compression: boolean, coding: string, response = large) => {
    const { url } = await startListener({ compression }, { handle: async () => response });
    return post(url, HELLO, { 'accept-encoding': coding });
  };

  it.each(['br', 'gzip'])('answers in %s, which decodes to the same', async (coding) => {
    const response = await coded(true, coding);
    expect(response.headers.get('content-encoding')).toBe(coding);
    expect(response.headers.get('vary')).toContain('accept-encoding');
    expect(await response.json()).toEqual(large.body);
  });

  it('leaves small answers, unknown codings and a disabled compression alone', async () => {
    const small = { ...large, body: { data: { text: 'x' } } };
    for (const response of [
      await coded(true, 'gzip', small),
      await coded(true, 'zstd'),
      await coded(false, 'gzip'),
    ]) {
      expect(response.headers.get('content-encoding')).toBeNull();
    }
  });

  it('states the length of what it sends', async () => {
    const { port } = await startListener({}, { handle: async () => large });
    const body = JSON.stringify(HELLO);
    const fields = `host: x\r\ncontent-type: application/json\r\naccept-encoding: gzip\r\nconnection: close\r\ncontent-length: ${body.length}`;
    const { head } = await exchange(port, `POST /graphql HTTP/1.1\r\n${fields}\r\n\r\n${body}`);
    const length = Number(/content-length: (\d+)/.exec(head)?.[1]);
    expect(length).toBeGreaterThan(0);
    expect(length).toBeLessThan(200);
  });
});

describe('the client address', () => {
  const address = async (trustProxy: boolean, forwarded: string) => {
    const { url, seen } = await startListener({ trustProxy });
    await post(url, HELLO, { 'x-forwarded-for': forwarded });
    return seen[0]?.remoteAddress;
  };

  it('is that of the socket by default, whatever the request claims', async () => {
    expect(await address(false, '1.2.3.4')).toBe('127.0.0.1');
  });

  it('is what the proxy in front wrote, not what the client wrote before it', async () => {
    expect(await address(true, '6.6.6.6, 1.2.3.4')).toBe('1.2.3.4');
  });

  it.each(['1.2.3.4:50123', '::ffff:1.2.3.4', '[::FFFF:102:304]:443'])(
    'is one, also where it is told as %s',
    async (told) => {
      expect(await address(true, told)).toBe('1.2.3.4');
    },
  );
});

describe('credentials', () => {
  it('reach the request path with every value of the header', async () => {
    const { port, seen } = await startListener();
    const body = JSON.stringify(HELLO);
    await exchange(
      port,
      `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer a\r\nAUTHORIZATION: Bearer b\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    expect(seen[0]?.authorization).toEqual(['Bearer a', 'Bearer b']);
  });
});
