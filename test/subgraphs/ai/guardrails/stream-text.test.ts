import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Detector, FindingCounts } from '../../../../subgraphs/ai/guardrails/finding.ts';
import { createPiiDetector } from '../../../../subgraphs/ai/guardrails/pii-detector.ts';
import { Placeholders } from '../../../../subgraphs/ai/guardrails/placeholders.ts';
import { createSecretsDetector } from '../../../../subgraphs/ai/guardrails/secrets-detector.ts';
import { StreamText } from '../../../../subgraphs/ai/guardrails/stream-text.ts';
import { type Checking, checkText } from '../../../../subgraphs/ai/guardrails/text-check.ts';
import { createTopicsDetector } from '../../../../subgraphs/ai/guardrails/topics-detector.ts';

const DETECTORS = [
  createSecretsDetector(),
  createPiiDetector(),
  createTopicsDetector(['credit default swap*']),
];
const HOLDING = { looks: true, phraseWordsMax: 3 };

function checking(action: 'mask' | 'block' | 'report', detectors: readonly Detector[] = DETECTORS): Checking {
  const checks = detectors.map((detector) => {
    return { detector, action, isReversible: false, places: new Set<never>() };
  });
  return { checks, direction: 'output', counts: new FindingCounts(), placeholders: null };
}

function streamed(pieces: readonly string[], under: Checking): string {
  const stream = new StreamText(under, HOLDING);
  return pieces.map((piece) => stream.push(piece)).join('') + stream.end();
}

const PARTS = [
  ...[
    'jane@example.com',
    '+49 30 901820',
    '4111 1111 1111 1111',
    'GB29 NWBK 6016 1331 9268 19',
    '203.0.113.7',
    '078-05-1120',
  ],
  ...[
    'password: tr0ub4dor&3x',
    `sk-${'a1B2'.repeat(6)}`,
    'postgres://app:s3cr3tPw9@db/x',
    'a credit default swap,',
  ],
  ...[
    `-----BEGIN ${'RSA '}PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----`,
    'ja\u200bne@exаmple.com',
    '４１１１ １１１１ １１１１ １１１１',
    '4111\u20031111\u30001111\u20091111',
  ],
  ...[
    'Hello',
    'the order of',
    '42',
    'is it',
    '你好世界',
    '[EMAIL',
    '—',
    'call me at 030 901820 11',
    'v1.2.3.4',
  ],
];
/** Parts with blanks between them, cut anywhere. */
const cutText = fc
  .tuple(
    fc.array(fc.constantFrom(...PARTS), { minLength: 1, maxLength: 8 }),
    fc.constantFrom(' ', ', ', '\n'),
    fc.array(fc.nat(200), { maxLength: 30 }),
  )
  .map(([parts, blank, cuts]) => {
    const text = parts.join(blank);
    const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((one, other) => one - other);
    return [0, ...places].map((from, index) => text.slice(from, places[index] ?? text.length));
  });

describe('a text that is checked as it comes', () => {
  it('is what it is when it is checked as a whole, wherever it is cut', () => {
    fc.assert(
      fc.property(cutText, (pieces) => {
        const [whole, parts] = [checking('mask'), checking('mask')];
        expect(streamed(pieces, parts)).toBe(checkText(pieces.join(''), whole));
        expect([...parts.counts.all].sort(byKind)).toEqual([...whole.counts.all].sort(byKind));
      }),
      { numRuns: 150 },
    );
  });

  it('is not looked at while all of it is held', () => {
    let looks = 0;
    const find = () => {
      looks += 1;
      return [];
    };
    const pieces = Array.from({ length: 500 }, () => 'jane');
    expect(streamed(pieces, checking('mask', [{ name: 'pii', find }]))).toBe(pieces.join(''));
    expect(looks).toBe(1);
  });

  it('is so where a number begins at the end of something longer', () => {
    const begin = `${'x'.repeat(40)}@example.com-GB29 NWBK 6016 1`;
    expect(streamed([begin, '331 9268 19 and on'], checking('mask'))).not.toContain('GB29');
  });

  it.each(PARTS.slice(0, 13))('tells nothing of what blocks it, letter by letter: %s', (secret) => {
    const stream = new StreamText(checking('block'), HOLDING);
    let told = '';
    for (const letter of `Fine so far: ${secret} and on`) if (!stream.isBlocked) told += stream.push(letter);
    if (!stream.isBlocked) told += stream.end();
    expect(stream.isBlocked).toBe(true);
    expect(told.startsWith('Fine so far: ')).toBe(true);
    // A name and its sign say nothing; what follows them does.
    expect(/^(?:password: |postgres:..app:|a )?$/u.test(told.slice('Fine so far: '.length))).toBe(true);
  });

  it('lets plain words go at once', () => {
    const stream = new StreamText(checking('mask', [DETECTORS[1] as Detector]), {
      looks: true,
      phraseWordsMax: 0,
    });
    expect(stream.push('Thunderstorms gather ')).toBe('Thunderstorms gather ');
    expect(stream.push('tomorrow')).toBe('');
    expect(stream.push(' evening ')).toBe('tomorrow evening ');
  });

  it('reports and lets all of it go', () => {
    const under = checking('report');
    expect(streamed(['mail jane@exam', 'ple.com now'], under)).toBe('mail jane@example.com now');
    expect(under.counts.all).toEqual([
      expect.objectContaining({ kind: 'EMAIL', action: 'report', count: 1 }),
    ]);
  });

  it('keeps back a private key that is longer than what is held', () => {
    const key = `-----BEGIN ${'RSA '}PRIVATE KEY-----\n${'Qk1hZGU5\n'.repeat(4_000)}-----END RSA PRIVATE KEY-----`;
    const pieces = `Here: ${key} done`.match(/[\s\S]{1,700}/gu) ?? [];
    expect(streamed(pieces, checking('mask'))).toBe('Here: [PRIVATE_KEY] done');
  });

  it('keeps back what stands at the end of a run without blanks', () => {
    const text = `${'x'.repeat(20_000)}/jane@example.com`;
    const told = streamed(text.match(/.{1,900}/gu) ?? [], checking('mask'));
    expect(told).not.toContain('jane@example.com');
    expect(told.length).toBeGreaterThan(19_000);
  });

  it('holds a bounded part of a text that never shows its end', () => {
    const stream = new StreamText(checking('mask'), HOLDING);
    let told = 0;
    for (let index = 0; index < 100; index += 1) told += stream.push('y'.repeat(1_000)).length;
    expect(told).toBeGreaterThan(90_000);
  });
});

describe('placeholders', () => {
  it('give their originals back, also where they are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { maxLength: 12 }), (cuts) => {
        const placeholders = new Placeholders(() => false);
        const text = `To ${placeholders.of('EMAIL', 'jane@example.com')} or [EMAIL_9] [${'A'}] end`;
        const places = [...new Set(cuts.map((cut) => cut % text.length))].sort((one, other) => one - other);
        const pieces = [0, ...places].map((from, index) => text.slice(from, places[index] ?? text.length));
        const under = { ...checking('mask', []), placeholders };
        const stream = new StreamText(under, { looks: false, phraseWordsMax: 0 });
        const told = pieces.map((piece) => stream.push(piece)).join('') + stream.end();
        expect(told).toBe('To jane@example.com or [EMAIL_9] [A] end');
      }),
      { numRuns: 100 },
    );
  });

  it('are none that the caller wrote, and the same for the same text', () => {
    const placeholders = new Placeholders((placeholder) => placeholder === '[EMAIL_1]');
    expect(placeholders.of('EMAIL', 'a@b.org')).toBe('[EMAIL_2]');
    expect(placeholders.of('EMAIL', 'a@b.org')).toBe('[EMAIL_2]');
    expect(placeholders.restore('[EMAIL_1] [EMAIL_2]')).toBe('[EMAIL_1] a@b.org');
  });

  it('end with their bound: what comes after is masked for good', () => {
    const placeholders = new Placeholders(() => false);
    for (let index = 0; index < 1_000; index += 1) placeholders.of('EMAIL', `a${index}@b.org`);
    expect(placeholders.of('EMAIL', 'one@more.org')).toBe('[EMAIL]');
  });
});

function byKind(one: { readonly kind: string }, other: { readonly kind: string }): number {
  return one.kind < other.kind ? -1 : 1;
}
