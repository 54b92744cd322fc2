import { describe, expect, it } from 'vitest';
import { exchange } from './raw-http.ts';
import { post, startListener } from './start-listener.ts';

const ALLOWED = 'https://app.example.com';
const HELLO = { query: '{ hello }' };

const corsHeaders = (response: Response) =>
  [...response.headers.keys()].filter((name) => name.startsWith('access-'));

function preflight(url: string, origin: string): Promise<Response> {
  const headers = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  };
  return fetch(url, { method: 'OPTIONS', headers });
}

describe('without allowed origins', () => {
  it('sends no CORS header and refuses preflights', async () => {
    const { url } = await startListener();
    const refused = await preflight(url, ALLOWED);
    expect(refused.status).toBe(405);
    expect(corsHeaders(refused)).toEqual([]);
    expect(corsHeaders(await post(url, HELLO, { origin: ALLOWED }))).toEqual([]);
  });
});

describe('with an allowed origin', () => {
  const options = { cors: { origins: [ALLOWED], credentials: false } };

  it('answers its preflight', async () => {
    const { url } = await startListener(options);
    const response = await preflight(url, ALLOWED);
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe(ALLOWED);
    expect(response.headers.get('access-control-allow-methods')).toBe('GET, POST');
    expect(response.headers.get('access-control-allow-headers')).toBe('authorization,content-type');
    expect(response.headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('lets it read answers and refusals', async () => {
    const { url } = await startListener(options);
    for (const body of [HELLO, '{']) {
      const response = await post(url, body, { origin: ALLOWED });
      expect(response.headers.get('access-control-allow-origin')).toBe(ALLOWED);
      expect(response.headers.get('access-control-expose-headers')).toContain('x-request-id');
      expect(response.headers.get('vary')?.toLowerCase()).toContain('origin');
      expect(response.headers.get('vary')).toContain('accept');
    }
  });

  it.each([
    'https://app.example.com.evil.test',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://APP.example.com',
    'null',
    '*',
  ])('lets the origin %s read nothing', async (origin) => {
    const { url } = await startListener(options);
    for (const response of [await preflight(url, origin), await post(url, HELLO, { origin })]) {
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('names OPTIONS in Allow', async () => {
    const { port } = await startListener(options);
    const refused = await exchange(port, 'PUT /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    expect(refused.head).toContain('allow: get, post, options\r\n');
  });

  it('allows credentials only where configured', async () => {
    const { url } = await startListener({ cors: { origins: [ALLOWED], credentials: true } });
    const response = await preflight(url, ALLOWED);
    expect(response.headers.get('access-control-allow-credentials')).toBe('true');
  });
});
