import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTraceparent, parseTraceparent, parseTracestate } from '../../src/telemetry/trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

/** Any text, and text that is nearly right. */
const texts = fc.oneof(
  fc.array(fc.nat(0xffff), { maxLength: 70 }).map((units) => String.fromCharCode(...units)),
  fc
    .tuple(fc.nat(0xff), fc.bigInt(0n, 2n ** 128n - 1n), fc.bigInt(0n, 2n ** 64n - 1n), fc.nat(0xff))
    .map(([version, trace, span, flags]) =>
      [version, trace, span, flags].map((each, at) =>
        each.toString(16).padStart([2, 32, 16, 2][at] ?? 0, '0'),
      ),
    )
    .map((parts) => parts.join('-')),
);

describe('traceparent', () => {
  it.each([
    [`00-${TRACE}-${SPAN}-01`, true],
    [`00-${TRACE}-${SPAN}-00`, false],
    [`00-${TRACE}-${SPAN}-03`, true],
    [`cc-${TRACE}-${SPAN}-01-what-comes-later`, true],
  ])('is read: %s', (header, isSampled) => {
    expect(parseTraceparent(header)).toEqual({ traceId: TRACE, spanId: SPAN, isSampled });
  });

  it.each([
    undefined,
    '',
    ['00', TRACE],
    `00-${TRACE}-${SPAN}-01-more`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}x-${SPAN}-01`,
    ` 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01\n`,
    `00-${TRACE}-${SPAN}-0g`,
  ])('is nothing: %j', (header) => {
    expect(parseTraceparent(header)).toBeNull();
  });

  it('never fails, and says again what was read of it', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const context = parseTraceparent(text);
        if (context !== null) expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
      }),
    );
  });
});

const member = (key: string, at: number) => `${key}${at}=v`;

describe('tracestate', () => {
  it.each([
    ['rojo=00f067aa0ba902b7,congo=t61rcWkgMzE', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'],
    [' a=1 ,\t, b@c=x y:"z" ', 'a=1,b@c=x y:"z"'],
    [['a=1', '0tenant@sys=2'], 'a=1,0tenant@sys=2'],
    [`a=${'x'.repeat(255)}`, `a=${'x'.repeat(255)}`],
    [Array.from({ length: 32 }, (_, at) => member('k', at)).join(','), expect.any(String)],
  ])('is passed on: %j', (given, told) => {
    expect(parseTracestate(given)).toEqual(told);
  });

  it.each([
    ['nothing', undefined],
    ['no member', ' , ,'],
    ['a member without a value', 'a=1,b'],
    ['an empty value', 'a='],
    ['two equal signs', 'a=1=2'],
    ['a key twice', 'a=1,b=2,a=3'],
    ['capital letters in a key', 'Vendor=1'],
    ['a key that begins with a digit', '0a=1'],
    ['a line feed', 'a=1\nx-admin: yes'],
    ['a carriage return at the end', 'a=1\r'],
    ['what is no ASCII', 'a=\u00e9'],
    ['NUL', 'a=\0'],
    ['more than 32 members', Array.from({ length: 33 }, (_, at) => member('k', at)).join(',')],
    ['more than 512 characters', `a=${'x'.repeat(250)},b=${'x'.repeat(258)}`],
    ['a value of more than 256 characters', `a=${'x'.repeat(257)}`],
  ])('is not, with %s', (_, given) => {
    expect(parseTracestate(given)).toBeNull();
  });

  it('is nothing that could break a header, or is read anew as it was told', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          texts,
          fc.string().map((text) => `a=${text}`),
        ),
        (text) => {
          const told = parseTracestate(text);
          if (told === null) return;
          expect(told).toMatch(/^[ -~]{3,512}$/u);
          expect(parseTracestate(told)).toBe(told);
        },
      ),
    );
  });
});
