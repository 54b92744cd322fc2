import { describe, expect, it } from 'vitest';
import { violates } from '../../src/operation/value-rules.ts';
import type { Constraint, ConstraintFormat } from '../../src/supergraph/policy.ts';
import { cpuMsOf } from '../cpu-time.ts';

const FORMATS: Readonly<
  Record<ConstraintFormat, { readonly good: readonly string[]; readonly bad: readonly string[] }>
> = {
  EMAIL: {
    good: ['a@b', 'ada.lovelace+tag@example.org', 'a@b-c.de', 'ä@example.org'],
    bad: [
      '',
      'a',
      '@b',
      'a@',
      'a@@b',
      'a b@c',
      'a@b c',
      'a@b\n',
      '"a"@b',
      '<a@b>',
      'a@-b',
      'a@b-',
      'a@b.',
      `${'a'.repeat(65)}@b`,
      `a@${'b'.repeat(254)}`,
    ],
  },
  UUID: {
    good: ['00000000-0000-0000-0000-000000000000', '123E4567-e89b-12d3-a456-426614174000'],
    bad: [
      '',
      '123e4567e89b12d3a456426614174000',
      '123e4567-e89b-12d3-a456-42661417400',
      '123e4567-e89b-12d3-a456-4266141740000',
      'g23e4567-e89b-12d3-a456-426614174000',
      ' 123e4567-e89b-12d3-a456-426614174000',
      '{123e4567-e89b-12d3-a456-426614174000}',
      '123e4567-e89b-12d3-a456-426614174000\n',
    ],
  },
  URI: {
    good: ['https://example.org/a?b#c', 'urn:isbn:123', 'mailto:a@b'],
    bad: [
      '',
      'example.org',
      '//example.org',
      'https:',
      'https://a b',
      'https://a\n',
      '1http://a',
      'http://<a>',
      ':a',
    ],
  },
  DATE: {
    good: ['2024-02-29', '2023-12-31', '0001-01-01', '2000-02-29'],
    bad: [
      '',
      '2023-02-29',
      '1900-02-29',
      '2023-02-30',
      '2023-04-31',
      '2023-13-01',
      '2023-00-01',
      '2023-01-00',
      '2023-1-1',
      '23-01-01',
      '2023-01-01T00:00:00Z',
      '2023-01-01\n',
      '+2023-01-01',
    ],
  },
  DATE_TIME: {
    good: [
      '2024-02-29T23:59:59Z',
      '2024-01-01t00:00:00z',
      '2024-01-01T00:00:00.123456789+14:00',
      '2016-12-31T23:59:60Z',
    ],
    bad: [
      '',
      '2024-01-01',
      '2023-02-29T00:00:00Z',
      '2024-01-01T24:00:00Z',
      '2024-01-01T00:60:00Z',
      '2024-01-01T00:00:61Z',
      '2024-01-01T00:00:00',
      '2024-01-01 00:00:00Z',
      '2024-01-01T00:00:00+24:00',
      '2024-01-01T00:00:00.Z',
      '2024-01-01T00:00:00Z\n',
    ],
  },
  IPV4: {
    good: ['0.0.0.0', '255.255.255.255', '127.0.0.1'],
    bad: [
      '',
      '1.2.3',
      '1.2.3.4.5',
      '256.1.1.1',
      '01.2.3.4',
      '1.2.3.4.',
      '.1.2.3.4',
      '1..2.3',
      '1.2.3.4\n',
      ' 1.2.3.4',
      '0x7f.0.0.1',
      '1.2.3.-4',
      '2130706433',
    ],
  },
  IPV6: {
    good: [
      '::',
      '::1',
      '2001:db8::1',
      'fe80:0:0:0:0:0:0:1',
      '::ffff:192.0.2.1',
      'ABCD:EF01:2345:6789:ABCD:EF01:2345:6789',
    ],
    bad: [
      '',
      ':',
      ':::',
      '1',
      '1:2',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '::1::',
      '12345::',
      'g::',
      '[::1]',
      '::1%eth0',
      '::1/64',
      '::ffff:256.0.2.1',
      '127.0.0.1',
      '::1\n',
      ' ::1',
    ],
  },
};

describe.each(Object.entries(FORMATS))('the format %s', (format, { good, bad }) => {
  const rule: Constraint = { format: format as ConstraintFormat };
  it.each(good)('takes %j', (text) => {
    expect(violates(rule, text)).toBe(false);
  });
  it.each(bad)('refuses %j', (text) => {
    expect(violates(rule, text)).toBe(true);
  });
});

describe('the judge of values', () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1])('refuses %s where there is a range', (value) => {
    expect(violates({ min: 0, max: 10 }, value)).toBe(true);
  });

  it.each([null, undefined])('does not judge %s', (value) => {
    expect(violates({ minLength: 1, min: 1, minItems: 1, format: 'UUID' }, value)).toBe(false);
  });

  it('takes time linear in the text for each format', async () => {
    const tookMs = await cpuMsOf(() => {
      for (const format of Object.keys(FORMATS) as ConstraintFormat[]) {
        for (const text of [
          'a'.repeat(500_000),
          `a@${'a.'.repeat(250_000)}`,
          '1.'.repeat(250_000),
          ':'.repeat(500_000),
          `http:${'a'.repeat(500_000)} `,
        ]) {
          violates({ format }, text);
        }
      }
    });
    expect(tookMs).toBeLessThan(1_000);
  });

  it('bounds the length before it looks at the pattern', async () => {
    const tookMs = await cpuMsOf(() =>
      expect(violates({ maxLength: 10, pattern: '^(?:(a+)+b)$' }, 'a'.repeat(100_000))).toBe(true),
    );
    expect(tookMs).toBeLessThan(500);
  });
});
