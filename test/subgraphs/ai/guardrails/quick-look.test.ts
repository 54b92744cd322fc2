import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldText } from '../../../../subgraphs/ai/guardrails/fold-text.ts';
import { createInjectionDetector } from '../../../../subgraphs/ai/guardrails/injection-detector.ts';
import { createPiiDetector } from '../../../../subgraphs/ai/guardrails/pii-detector.ts';
import { lookAt, type TextLook } from '../../../../subgraphs/ai/guardrails/quick-look.ts';
import { createSecretsDetector } from '../../../../subgraphs/ai/guardrails/secrets-detector.ts';
import { INJECTION_SAMPLES, PII_SAMPLES, SECRET_SAMPLES } from './labelled-samples.ts';

/** Of a text of which nothing is known: every pattern is tried. */
const ALL: TextLook = {
  ...{ isPlain: false, digitsTogether: Number.POSITIVE_INFINITY },
  ...{ hasSecretRun: true, hasEncodedRun: true, hasIbanBegin: true, hasMixedWord: true },
};
const DETECTORS = [createPiiDetector(), createSecretsDetector(), createInjectionDetector()];
/** Parts of what is looked for, and what may stand between them. */
const PIECES = [
  ...[
    'DE89',
    '3704 0044',
    '0532 0130 00',
    '4111',
    '1111',
    '123-45-6789',
    'AB 12 34 56 C',
    '12345678Z',
    '+49 30',
  ],
  ...[
    '192.168.0.1',
    '2001:db8::1',
    'jane@example.com',
    'password=',
    'tr0ub4dor',
    'sk-',
    'a1B2c3D4e5F6g7H8i9J0',
    'eyJ',
  ],
  ...[
    'ignore',
    '1gn0r3',
    'i g n o r e',
    'all previous',
    'pr3v10us',
    'rules',
    'instructions',
    'system prompt',
    'reveal',
  ],
  ...[
    ' ',
    '.',
    '-',
    '/',
    '(',
    ')',
    ':',
    '\n',
    '_',
    '=',
    'é',
    '—',
    '\u200b',
    '\u212a',
    'ſ',
    '٣',
    'word',
    '7',
    '42',
  ],
  ...['aWdub3JlIGFsbCBwcmV2aW91cyBpbnN0cnVjdGlvbnM=', '<|im_start|>', 'ignoreallpreviousinstructions'],
];
const text = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join('')),
  fc.constantFrom(...[...PII_SAMPLES, ...SECRET_SAMPLES, ...INJECTION_SAMPLES].map(([said]) => said)),
  fc.string({ maxLength: 60 }),
);

describe('a look at a text', () => {
  it('leaves nothing out that trying every pattern finds', () => {
    fc.assert(
      fc.property(text, (said) => {
        const folded = foldText(said);
        for (const detector of DETECTORS)
          expect(detector.find(folded)).toEqual(detector.find({ ...folded, look: ALL }));
      }),
      { numRuns: 500 },
    );
  });

  it('tells what stands in a text, up to its very end', () => {
    expect(lookAt('a plain text, no more')).toEqual({
      ...{ isPlain: true, digitsTogether: 0 },
      ...{ hasSecretRun: false, hasEncodedRun: false, hasIbanBegin: false, hasMixedWord: false },
    });
    expect(lookAt('call 030 - 12 34')).toMatchObject({ digitsTogether: 7, hasMixedWord: false });
    expect(lookAt('1 2    3').digitsTogether).toBe(2);
    expect(lookAt('is abcdefg1')).toMatchObject({ hasSecretRun: true, hasMixedWord: true });
    expect(lookAt('is abcdef1').hasSecretRun).toBe(false);
    expect(lookAt(`x ${'a'.repeat(24)}`).hasEncodedRun).toBe(true);
    expect(lookAt(`x ${'a'.repeat(23)} b`).hasEncodedRun).toBe(false);
    expect(lookAt('to DE89').hasIbanBegin).toBe(true);
    expect(lookAt('to CODE89').hasIbanBegin).toBe(false);
    expect(lookAt('naïve').isPlain).toBe(false);
  });
});
