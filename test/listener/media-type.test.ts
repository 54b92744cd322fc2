import { describe, expect, it } from 'vitest';
import { isUtf8, parseMediaType } from '../../src/listener/media-type.ts';
import { cpuMsOf } from '../cpu-time.ts';

describe('parseMediaType', () => {
  it.each([
    ['application/json', 'application/json'],
    ['Application/JSON', 'application/json'],
    [' application/json ;charset=utf-8', 'application/json'],
    ['text/plain;', 'text/plain'],
    ['*/*;q=0.8', '*/*'],
  ])('reads the essence of %j', (value, essence) => {
    expect(parseMediaType(value)?.essence).toBe(essence);
  });

  it('unquotes a parameter value', () => {
    const type = parseMediaType('a/b; Charset="ut\\f-8"');
    expect(type?.parameters.get('charset')).toBe('utf-8');
  });

  it.each([
    '',
    'json',
    '/json',
    'application/',
    'application json',
    'application/json charset=utf-8',
    'text/plain, application/json',
    'application/json; charset',
    'application/json; charset=',
    'application/json; charset="utf-8',
    'application/json; charset=utf-8; charset=utf-7',
    'application/json\u00e9',
  ])('refuses %j', (value) => {
    expect(parseMediaType(value)).toBeNull();
  });

  it('takes time linear in a value that never ends', async () => {
    const value = `a/b${'; "'.repeat(100_000)}`;
    expect(await cpuMsOf(() => expect(parseMediaType(value)).toBeNull())).toBeLessThan(500);
  });
});

describe('isUtf8', () => {
  it.each([
    ['a/b', true],
    ['a/b; charset=UTF-8', true],
    ['a/b; charset="utf8"', true],
    ['a/b; charset=utf-16', false],
    ['a/b; charset=latin1', false],
    ['a/b; charset=""', false],
  ])('of %j is %j', (value, expected) => {
    const type = parseMediaType(value);
    expect(type !== null && isUtf8(type)).toBe(expected);
  });
});
