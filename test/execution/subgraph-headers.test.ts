import { describe, expect, it } from 'vitest';
import { type ClientHeaders, subgraphHeaders } from '../../src/execution/subgraph-headers.ts';
import { settings } from './execution-kit.ts';

const headersFor = (forwardHeaders: readonly string[], headers: ClientHeaders) =>
  subgraphHeaders(settings('a', { forwardHeaders }), headers, 'the-assertion');

describe('the headers of a call to a subgraph', () => {
  it('carry the assertion and nothing of the client that config does not name', () => {
    const headers = headersFor(['x-locale'], {
      'x-locale': 'de',
      authorization: 'Bearer hunter2',
      cookie: 'session=hunter2',
      'x-portcullis-assertion': 'forged',
    });
    expect({ ...headers }).toEqual({
      'x-locale': 'de',
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json',
      'x-portcullis-assertion': 'the-assertion',
    });
  });

  it.each(['x-portcullis-assertion', 'x-portcullis-anything', 'content-type', 'accept'])(
    'never take %s from the client, though config names it',
    (name) => {
      expect(Object.values(headersFor([name], { [name]: 'forged' }))).not.toContain('forged');
    },
  );

  it.each(['x-secret', 'X-Secret', 'close, x-secret', ' x-secret ,close'])(
    'leave out what the client meant for its own connection: %j',
    (connection) => {
      const headers = headersFor(['x-secret', 'x-locale'], { connection, 'x-secret': 's', 'x-locale': 'de' });
      expect(headers['x-secret']).toBeUndefined();
      expect(headers['x-locale']).toBe('de');
    },
  );

  it.each(['x-absent', 'constructor', 'tostring'])(
    'find no value for %s where the client sent none',
    (name) => {
      expect(Object.keys(headersFor([name], { other: 'x' }))).not.toContain(name);
    },
  );

  it('join several values', () => {
    expect(headersFor(['x-locale'], { 'x-locale': ['de', 'en'] })['x-locale']).toBe('de, en');
  });
});
