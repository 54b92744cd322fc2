import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, openListener, post, type Started, startListener } from './start-listener.ts';

const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

/** Value of one directive of a content security policy. */
const directive = (response: Response, name: string) =>
  response.headers
    .get('content-security-policy')
    ?.split('; ')
    .find((part) => part.startsWith(`${name} `));

const linked = (html: string) => [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = '']) => url);

describe('the GraphiQL page', () => {
  let shared: Started;
  let url: string;
  beforeAll(async () => {
    shared = await openListener({ sandbox: 'graphiql' });
    ({ url } = shared);
  });
  afterAll(() => shared?.listener.close());

  it('runs no script that is not a file of this server, and cannot be framed', async () => {
    const response = await fetch(url, { headers: BROWSER });
    const html = await response.text();
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(directive(response, 'script-src')).toBe("script-src 'self'");
    expect(directive(response, 'connect-src')).toBe("connect-src 'self'");
    expect(directive(response, 'frame-ancestors')).toBe("frame-ancestors 'none'");
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)/);
    expect(html).not.toMatch(/\son\w+=/);
    expect(html).not.toContain('https://');
  });

  it.each(['/graphql', '/', '/api/graphql', '/api/'])(
    'finds its files when the endpoint is %s',
    async (path) => {
      const { url, seen } = await startListener({ sandbox: 'graphiql', path });
      const html = await (await fetch(url, { headers: BROWSER })).text();
      const files = linked(html).filter((file) => !file.startsWith('data:'));
      expect(files.length).toBe(2);
      for (const file of files) {
        // That it is sent compressed is another matter, and takes longer than all else here.
        const response = await fetch(new URL(file, url), { headers: { 'accept-encoding': 'identity' } });
        expect(response.status).toBe(200);
        expect(response.headers.get('x-content-type-options')).toBe('nosniff');
        expect((await response.text()).length).toBeGreaterThan(10_000);
      }
      expect(seen).toEqual([]);
    },
  );

  it('keeps no token in the browser', async () => {
    const script = await (await fetch(`${url}/sandbox/graphiql.js`)).text();
    expect(script.slice(-1500)).toContain('shouldPersistHeaders: false');
  });

  it('is not sent twice to a browser that has it', async () => {
    for (const target of [url, `${url}/sandbox/graphiql.css`]) {
      const first = await fetch(target, { headers: BROWSER });
      const etag = first.headers.get('etag') ?? '';
      await first.arrayBuffer();
      const again = await fetch(target, { headers: { ...BROWSER, 'if-none-match': etag } });
      expect([again.status, await again.text()]).toEqual([304, '']);
      const other = await fetch(target, { headers: { ...BROWSER, 'if-none-match': 'W/"other"' } });
      expect(other.status).toBe(200);
      await other.arrayBuffer();
    }
  });

  it('is not what a request with a query, an API client or a POST gets', async () => {
    const withQuery = await fetch(`${url}?query={hello}`, { headers: BROWSER });
    expect([withQuery.status, await codeOf(withQuery)]).toEqual([400, 'CSRF_PREVENTED']);
    const client = await fetch(url);
    expect([client.status, await codeOf(client)]).toEqual([400, 'CSRF_PREVENTED']);
    const posted = await post(url, { query: '{ hello }' }, BROWSER);
    expect(await posted.json()).toEqual({ data: { hello: 'Hello world' } });
  });

  it.each([
    '/graphql/sandbox/other.js',
    '/graphql/sandbox/__proto__',
    '/graphql/sandbox/..%2f..%2fpackage.json',
  ])('has no file %s', async (path) => {
    const refused = await fetch(`${shared.origin}${path}`);
    expect([refused.status, await codeOf(refused)]).toEqual([404, 'NOT_FOUND']);
  });
});

describe('the Apollo page', () => {
  it('allows its script, its frame and nothing else from elsewhere', async () => {
    const { url } = await startListener({ sandbox: 'apollo' });
    const response = await fetch(url, { headers: BROWSER });
    expect(directive(response, 'script-src')).toBe(
      "script-src 'self' https://embeddable-sandbox.cdn.apollographql.com",
    );
    expect(directive(response, 'default-src')).toBe("default-src 'none'");
    expect(directive(response, 'frame-ancestors')).toBe("frame-ancestors 'none'");
    expect(await response.text()).not.toMatch(/<script(?![^>]*\ssrc=)/);
  });
});

describe('without a sandbox', () => {
  it('refuses a browser like any other client', async () => {
    const { url, origin } = await startListener({ sandbox: 'off' });
    const html = await fetch(url, { headers: { accept: 'text/html' } });
    expect([html.status, await codeOf(html)]).toEqual([406, 'NOT_ACCEPTABLE']);
    const forged = await fetch(url, { headers: BROWSER });
    expect([forged.status, await codeOf(forged)]).toEqual([400, 'CSRF_PREVENTED']);
    expect((await fetch(`${origin}/graphql/sandbox/graphiql.js`)).status).toBe(404);
  });
});
