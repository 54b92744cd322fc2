import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern } from '../../../../subgraphs/ai/guardrails/linear-pattern.ts';
import { PatternRefusedError } from '../../../../subgraphs/ai/guardrails/pattern-syntax.ts';
import { patternFault } from '../../../../subgraphs/ai/guardrails/schema-patterns.ts';
import { runs } from '../../../property-runs.ts';

const matches = (pattern: string, text: string): boolean =>
  compilePattern(pattern).matches(text, () => undefined);

/** Patterns of everything that is run, in all combinations. */
const pattern = fc.letrec<{ term: string; whole: string }>((tie) => ({
  term: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(
      'a',
      'b',
      '.',
      '[ab]',
      '[^a]',
      '\\d',
      '\\w',
      '\\s',
      '\\b',
      '\\B',
      '^',
      '$',
      '😀',
      '\\u{61}',
      '\\p{L}',
      '\\.',
    ),
    tie('whole').map((inner) => `(?:${inner})`),
    tie('whole').map((inner) => `(${inner})`),
    fc
      .tuple(tie('whole'), fc.constantFrom('*', '+', '?', '{2}', '{1,2}', '{0,}', '*?', '{0}'))
      .map(([inner, sign]) => `(?:${inner})${sign}`),
  ),
  whole: fc
    .array(fc.array(tie('term'), { maxLength: 3 }), { minLength: 1, maxLength: 2 })
    .map((options) => options.map((terms) => terms.join('')).join('|')),
})).whole;

describe('a pattern', () => {
  it('matches what the engine of the language says', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '1', ' ', '.', '\n', '😀', 'é'), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (source, said) => {
        expect(matches(source, said)).toBe(new RegExp(source, 'u').test(said));
      }),
      { numRuns: runs(300) },
    );
  });

  it.each([
    ['^[A-Z]{2}\\d{4,6}$', 'AB12345', 'AB123'],
    ['^(?:red|green)$', 'green', 'greenish'],
    ['^(?<year>\\d{4})-\\d\\d$', '2026-11', '26-11'],
    ['\\ud83d\\ude00', '😀', 'x'],
    ['^[\\]\\-\\\\]+$', ']-\\', 'a'],
    ['^\\/\\.\\+$', '/.+', '/x+'],
    ['^.$', '😀', '\n'],
    ['', 'anything', null],
  ])('%s is found in %j and not in %j', (source, good, bad) => {
    expect(matches(source, good)).toBe(true);
    if (bad !== null) expect(matches(source, bad)).toBe(false);
  });

  it.each(['^(a+)+$', '^(a|aa)+$', '^(a|a?)+$', '(.*)*x', '^(?:\\w+\\s?)+$', '^(([a-z])+.)+[A-Z]([a-z])+$'])(
    '%s visits no more states than the text has steps, where going back would never end',
    (source) => {
      const compiled = compilePattern(source);
      const text = `${'a'.repeat(5_000)}!`;
      let visits = 0;
      compiled.matches(text, (more) => {
        visits += more;
      });
      expect(visits).toBeLessThanOrEqual((text.length + 1) * (compiled.states + 1));
    },
  );

  it.each([
    ['(?=a)', 'look-around'],
    ['(?!a)', 'look-around'],
    ['(?<=a)b', 'look-around'],
    ['(?<!a)b', 'look-around'],
    ['(a)\\1', 'back-reference'],
    ['(?<n>a)\\k<n>', 'back-reference'],
    ['(', 'no regular expression'],
    ['[b-a]', 'no regular expression'],
    ['\\_', 'no regular expression'],
    ['a{2,1}', 'no regular expression'],
    ['x'.repeat(501), 'longer than 500'],
    ['a{1001}', 'more than 1000 states'],
    ['((a{99}){99}){99}', 'more than 1000 states'],
    [`(?:${'|'.repeat(485)}){900}b`, 'more than 1000 states'],
    ['\\p{L}'.repeat(17), 'more than 16 properties'],
    [`${'('.repeat(240)}${'){2}'.repeat(60)}`, 'no regular expression'],
  ])('%s is refused, by its rule', (source, rule) => {
    expect(() => compilePattern(source)).toThrow(PatternRefusedError);
    expect(() => compilePattern(source)).toThrow(rule);
  });

  it('of nothing, however often, is compiled at once', () => {
    expect(matches('(?:){999999999}(?:){0,999999999}', '')).toBe(true);
    expect(() => compilePattern('(?:(?:)*){999999999}')).toThrow(PatternRefusedError);
  });
});

describe('the patterns of a schema', () => {
  it.each([
    { pattern: '(?=a)' },
    { properties: { a: { items: { anyOf: [{ pattern: '(a)\\1' }] } } } },
    { patternProperties: { '(?=a)': true } },
    { $defs: { a: { not: { pattern: '[' } } } },
    { prefixItems: [{ additionalProperties: { pattern: '(?!a)' } }] },
    { allOf: Array.from({ length: 11 }, () => ({ pattern: 'a{990}' })) },
    { allOf: Array.from({ length: 50 }, (_, index) => ({ pattern: `[\\p{L}${index}]` })) },
  ])('are told where one cannot be run: %j', (schema) => {
    expect(patternFault(schema)).toMatch(/pattern/u);
  });

  it.each([
    { properties: { pattern: { type: 'string' } } },
    { enum: [{ pattern: '(?=a)' }] },
    { default: { pattern: '(?=a)' }, pattern: '^a$' },
    { properties: 7, allOf: 7 },
  ])('are those of schemas, and no other texts: %j', (schema) => {
    expect(patternFault(schema)).toBeNull();
  });
});
