import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fatal, openingOf, turnBytes } from '../../src/control/postgres-turns.ts';
import { beginning, message } from './postgres-messages.ts';

const PARTS = ['P', 'B', 'D', 'E', 'C'];

describe('what a session begins with', () => {
  it.each([
    ['a session', beginning(), { kind: 'begin', bytes: 8 }],
    ['a wish for TLS', beginning(80_877_103), { kind: 'encryption', bytes: 8 }],
    ['a wish for GSS', beginning(80_877_104), { kind: 'encryption', bytes: 8 }],
    ['another version', beginning(131_072), { kind: 'unknown' }],
    ['a length that is too small', Buffer.from([0, 0, 0, 7, 0, 3, 0, 0]), { kind: 'unknown' }],
    ['a negative length', Buffer.from([255, 255, 255, 255, 0, 3, 0, 0]), { kind: 'unknown' }],
    ['what is not whole', Buffer.from([0, 0, 0, 9, 0, 3, 0, 0]), null],
    ['what has not said what it is', Buffer.from([0, 0, 0, 8, 0, 3, 0]), null],
  ])('is told of %s', (_, bytes, expected) => {
    expect(openingOf(bytes)).toEqual(expected);
  });
});

describe('messages that are answered together', () => {
  it('are all parts of a query and the message after them, and nothing before that is whole', () => {
    const letter = fc.constantFrom(...PARTS, 'S', 'Q', 'H', 'X');
    fc.assert(
      fc.property(fc.array(fc.tuple(letter, fc.string({ maxLength: 9 }))), fc.nat(99), (parts, cut) => {
        const messages = parts.map(([type, text]) => message(type, text));
        const last = parts.findIndex(([type]) => !PARTS.includes(type));
        const whole = Buffer.concat(messages.slice(0, last + 1)).length;
        const bytes = Buffer.concat(messages).subarray(0, cut);
        expect(turnBytes(bytes)).toBe(last >= 0 && whole <= cut ? whole : 0);
      }),
    );
  });

  it('do not begin with one that is shorter than its own length', () => {
    expect(() => turnBytes(Buffer.from('S\0\0\0\x03'))).toThrow(RangeError);
    expect(turnBytes(Buffer.from('S\0\0\0\x04'))).toBe(5);
  });
});

it('the last word of a session is a message of its own, whatever it tells', () => {
  const bytes = fatal('no\0SMORE');
  expect(bytes.readInt32BE(1)).toBe(bytes.length - 1);
  expect(bytes.toString()).toContain('MnoSMORE\0\0');
});
