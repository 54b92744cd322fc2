import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTraceparent, parseTraceparent } from '../../src/telemetry/trace-context.ts';

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
