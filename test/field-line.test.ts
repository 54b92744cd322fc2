import { describe, expect, it } from 'vitest';
import { readFieldLine } from '../src/field-line.ts';

describe('a line of a head', () => {
  it.each([
    ['A-b:c', { name: 'a-b', value: 'c' }],
    ['a: \t b c \t ', { name: 'a', value: 'b c' }],
    ['a:', { name: 'a', value: '' }],
    ['a: \t', { name: 'a', value: '' }],
    ['a: b\u00a0', { name: 'a', value: 'b\u00a0' }],
  ])('is a field: %j', (line, field) => {
    expect(readFieldLine(line)).toEqual(field);
  });

  it.each([
    '',
    ':',
    ': a',
    'a',
    'a : b',
    ' a: b',
    'a: b\r',
    'a: b\nc: d',
    'a: \u0000',
    'a: \u0100',
    '\u00e9: a',
  ])('is none: %j', (line) => {
    expect(readFieldLine(line)).toBeNull();
  });

  it('costs what its length is, whatever it is made of', () => {
    const blanks = ' \t'.repeat(1_000_000);
    expect(readFieldLine(`a:${blanks}\u0000`)).toBeNull();
    expect(readFieldLine(`a:b${blanks}c`)?.value).toHaveLength(blanks.length + 2);
  });
});
