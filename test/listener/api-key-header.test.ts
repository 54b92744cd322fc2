import { describe, expect, it } from 'vitest';
import { exchange } from './raw-http.ts';
import { post, startListener } from './start-listener.ts';

const HELLO = { query: '{ hello }' };

describe('the header for API keys', () => {
  it('reaches the request path with every value it was sent with', async () => {
    const { port, seen } = await startListener({ apiKeyHeader: 'x-api-key' });
    const body = JSON.stringify(HELLO);
    const head = `POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nX-Api-Key: one\r\nx-api-key: two\r\n\r\n`;
    await exchange(port, `${head}${body}`);
    expect(seen.map(({ apiKeys }) => apiKeys)).toEqual([['one', 'two']]);
  });

  it('is nothing where none is set up', async () => {
    const { url, seen } = await startListener();
    await post(url, HELLO, { 'x-api-key': 'one' });
    expect(seen.map(({ apiKeys }) => apiKeys)).toEqual([undefined]);
  });

  it('does not stand in for the preflight that a foreign page needs', async () => {
    const { url, refusals } = await startListener({ apiKeyHeader: 'x-api-key' });
    await fetch(url, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'text/plain', 'x-api-key': 'one' },
    });
    expect(refusals()).toEqual(['CSRF_PREVENTED']);
  });
});
