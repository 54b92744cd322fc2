import { describe, expect, it } from 'vitest';
import { negotiateCoding, parseContentCoding } from '../../src/listener/content-coding.ts';

describe('parseContentCoding', () => {
  it.each([
    [undefined, 'identity'],
    ['identity', 'identity'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    [' deflate ', 'deflate'],
    ['br', 'br'],
  ])('reads %j as %j', (value, expected) => {
    expect(parseContentCoding(value)).toBe(expected);
  });

  it.each(['', 'zstd', 'compress', 'gzip, gzip', 'gzip,br', 'gzip;q=1', '__proto__'])(
    'refuses %j',
    (value) => {
      expect(parseContentCoding(value)).toBeNull();
    },
  );
});

describe('negotiateCoding', () => {
  it.each([
    [undefined, null],
    ['', null],
    ['identity', null],
    ['gzip', 'gzip'],
    ['br', 'br'],
    ['gzip, deflate, br', 'br'],
    ['gzip;q=1, br;q=0.5', 'gzip'],
    ['gzip;q=0, br;q=0', null],
    ['*', 'br'],
    ['*;q=0', null],
    ['br;q=0, *', 'gzip'],
    ['gzip;q=abc', null],
  ])('of %j is %j', (value, expected) => {
    expect(negotiateCoding(value)).toBe(expected);
  });

  it('offers only what it has', () => {
    expect(negotiateCoding('br, gzip;q=0.1', ['gzip'])).toBe('gzip');
    expect(negotiateCoding('br', ['gzip'])).toBeNull();
  });
});
