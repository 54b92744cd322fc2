import { describe, expect, it } from 'vitest';
import { negotiateMediaType, negotiateStream, prefersHtml } from '../../src/listener/negotiate.ts';

const JSON_TYPE = 'application/json';
const GRAPHQL_TYPE = 'application/graphql-response+json';
const CHROME =
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7';

describe('negotiateMediaType', () => {
  it.each([
    [undefined, JSON_TYPE],
    ['', JSON_TYPE],
    ['*/*', JSON_TYPE],
    ['application/*', JSON_TYPE],
    ['application/json', JSON_TYPE],
    ['APPLICATION/JSON; charset=UTF-8', JSON_TYPE],
    [GRAPHQL_TYPE, GRAPHQL_TYPE],
    [`${GRAPHQL_TYPE}; charset=utf-8, application/json; charset=utf-8`, GRAPHQL_TYPE],
    [`application/json, ${GRAPHQL_TYPE}`, GRAPHQL_TYPE],
    [`${GRAPHQL_TYPE};q=0.5, application/json`, JSON_TYPE],
    [`${GRAPHQL_TYPE}, application/json;q=0.9`, GRAPHQL_TYPE],
    [`${GRAPHQL_TYPE}, */*;q=0.1`, GRAPHQL_TYPE],
    ['*/*, application/json;q=0', GRAPHQL_TYPE],
    ['text/html, */*;q=0.8', JSON_TYPE],
    ['multipart/mixed, application/json', JSON_TYPE],
  ])('of %j is %j', (accept, expected) => {
    expect(negotiateMediaType(accept)).toBe(expected);
  });

  it.each([
    'text/html',
    'text/*',
    'application/json;q=0',
    '*/*;q=0',
    'application/json; charset=utf-16',
    'application/json;q=2',
    'application/json;q=x',
    'application/graphql',
    'json',
    ',',
  ])('accepts nothing for %j', (accept) => {
    expect(negotiateMediaType(accept)).toBeNull();
  });
});

describe('negotiateStream', () => {
  const PARTS = 'multipart/mixed;deferSpec=20220824';
  const EVENTS = 'multipart/mixed;subscriptionSpec=1.0';
  const [ALL, STREAMS, DEFERS, NONE] = [
    { streams: true, defers: true },
    { streams: true, defers: false },
    { streams: false, defers: true },
    { streams: false, defers: false },
  ];

  it.each([
    [`${PARTS}, application/json`, ALL, 'deferred'],
    [`${PARTS}, application/json`, STREAMS, null],
    [`${PARTS};q=0`, ALL, null],
    ['multipart/mixed;deferSpec=20230621', ALL, null],
    ['multipart/mixed', ALL, null],
    [EVENTS, ALL, 'multipart'],
    [EVENTS, DEFERS, null],
    [`${EVENTS}, ${PARTS}`, DEFERS, 'deferred'],
    [`text/event-stream, ${PARTS}`, DEFERS, 'deferred'],
    ['text/event-stream', STREAMS, 'sse'],
    [`text/event-stream, ${EVENTS}, ${PARTS}`, NONE, null],
  ])('of %j, with %j offered, is %j', (accept, offered, expected) => {
    expect(negotiateStream(accept, offered)?.name ?? null).toBe(expected);
  });
});

describe('prefersHtml', () => {
  it.each([
    [CHROME, true],
    ['text/html', true],
    ['text/html;q=0.9, */*;q=0.8', true],
    ['*/*', false],
    [undefined, false],
    ['text/html;q=0.5, application/json', false],
    ['text/html;q=0', false],
    ['text/*', false],
  ])('of %j is %j', (accept, expected) => {
    expect(prefersHtml(accept)).toBe(expected);
  });
});
