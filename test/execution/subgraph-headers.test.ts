import { describe, expect, it } from 'vitest';
import {
  type ClientHeaders,
  SubgraphHeaders,
  subgraphHeaders,
} from '../../src/execution/subgraph-headers.ts';
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

describe('the identity of headers', () => {
  const of = (forwardHeaders: string[]) => new SubgraphHeaders(settings('a', { forwardHeaders }));

  it('is one, with the headers themselves, for all calls of a caller, whatever else the client sends', () => {
    const headers = of([]);
    expect(headers.for({ 'x-locale': 'de' }, 'one')).toBe(headers.for({ 'x-locale': 'en' }, 'one'));
  });

  it('tells two callers apart, and is never given again', () => {
    const headers = of([]);
    const identities = new Set(
      Array.from({ length: 3_000 }, (_, index) => headers.for({}, `assertion ${index}`).identity),
    );
    expect(identities.size).toBe(3_000);
    // Forgotten meanwhile: what is made anew must not pass for another caller's.
    expect(identities.has(headers.for({}, 'assertion 0').identity)).toBe(false);
  });

  it.each([
    ['another value', { 'x-a': '1', 'x-b': '3' }, 'one'],
    ['a value less', { 'x-a': '1' }, 'one'],
    ['the values in each other\u2019s place', { 'x-a': '2', 'x-b': '1' }, 'one'],
    ['another caller', { 'x-a': '1', 'x-b': '2' }, 'two'],
  ])('has what the client sent in it: %s makes another', (_what, client, assertion) => {
    const headers = of(['x-a', 'x-b']);
    const { identity } = headers.for({ 'x-a': '1', 'x-b': '2' }, 'one');
    expect(headers.for({ 'x-a': '1', 'x-b': '2' }, 'one').identity).toBe(identity);
    expect(headers.for(client, assertion).identity).not.toBe(identity);
  });
});
