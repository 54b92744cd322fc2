import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrictJson } from '../../src/identity/strict-json.ts';

const parse = (text: string) => parseStrictJson(Buffer.from(text));
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('parseStrictJson', () => {
  it.each([
    '{"a":1,"a":2}',
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a":3}',
    '{"a" : 1 , "a"\n\t\r : 2}',
    String.raw`{"a":1,"\u0061":2}`,
    String.raw`{"\"":1,"\u0022":2}`,
    '{"":1,"":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"x":{"a":1,"a":2}}',
    '[{"a":1},{"b":1,"b":2}]',
    '{"a":{"b":1},"c":[{"d":1}],"a":2}',
    String.raw`{"a\\":1,"a\\":2}`,
  ])('refuses a member name that occurs twice: %s', (text) => {
    expect(parse(text)).toEqual({ ok: false, fault: 'duplicate_member' });
  });

  it.each([
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"a":"a","b":"a"}',
    '{"a":["b","b"],"b":"\\"a\\":"}',
    String.raw`{"a":"\\","b":"{\"a\":1,\"a\":2}"}`,
    String.raw`{"a\\":1,"a":2}`,
    '{"a":1,"A":2}',
    '"a"',
    '[]',
    'null',
  ])('accepts names that only look repeated: %s', (text) => {
    expect(parse(text)).toEqual({ ok: true, value: JSON.parse(text) });
  });

  it.each([
    '',
    ' ',
    '{',
    '{"a"}',
    "{'a':1}",
    '{"a":1,}',
    '{"a":NaN}',
    '{"a":01}',
    '{}{}',
    '{"a":"\n"}',
    '\ufeff{}',
  ])('refuses what is not JSON: %j', (text) => {
    expect(parse(text)).toEqual({ ok: false, fault: 'malformed' });
  });

  it.each([
    ['an invalid start byte', [0xff]],
    ['an overlong encoding', [0x22, 0xc0, 0xaf, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a cut sequence', [0x22, 0xe2, 0x82, 0x22]],
  ])('refuses bytes that are not UTF-8: %s', (_title, bytes) => {
    expect(parseStrictJson(Uint8Array.from(bytes))).toEqual({ ok: false, fault: 'malformed' });
  });

  it('accepts 32 levels and refuses 33', () => {
    expect(parse(nested(32)).ok).toBe(true);
    expect(parse(nested(33))).toEqual({ ok: false, fault: 'too_deep' });
  });

  it('reads every value that JSON.stringify writes within the depth', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const text = JSON.stringify(value);
        expect(parse(text)).toEqual({ ok: true, value: JSON.parse(text) });
      }),
    );
  });

  it('refuses every object to which one of its names is added again', () => {
    const names = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(names, fc.nat(), (members, pick) => {
        const all = [...members, members[pick % members.length]];
        const text = `{${all.map((name) => `${JSON.stringify(name)}:0`).join(',')}}`;
        expect(parse(text)).toEqual({ ok: false, fault: 'duplicate_member' });
      }),
    );
  });
});
