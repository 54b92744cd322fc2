import { describe, expect, it } from 'vitest';
import type { Detector } from '../../../../subgraphs/ai/guardrails/finding.ts';
import { foldText } from '../../../../subgraphs/ai/guardrails/fold-text.ts';
import { createInjectionDetector } from '../../../../subgraphs/ai/guardrails/injection-detector.ts';
import { createPiiDetector } from '../../../../subgraphs/ai/guardrails/pii-detector.ts';
import { createSecretsDetector } from '../../../../subgraphs/ai/guardrails/secrets-detector.ts';
import type { FindingKind } from '../../../../subgraphs/ai/guardrails/span.ts';
import { createTopicsDetector } from '../../../../subgraphs/ai/guardrails/topics-detector.ts';
import {
  DENIED,
  INJECTION_SAMPLES,
  PII_SAMPLES,
  type Sample,
  SECRET_SAMPLES,
  TOPIC_SAMPLES,
} from './labelled-samples.ts';

interface Measured {
  readonly precision: number;
  readonly recall: number;
  readonly wrong: readonly string[];
}

/** By kind and sample: a kind that is found where it is not counts against precision, one that is missed against recall. */
function measure(detector: Detector, samples: readonly Sample[]): Measured {
  let [right, found, labelled] = [0, 0, 0];
  const wrong: string[] = [];
  for (const [text, ...kinds] of samples) {
    const seen = new Set<FindingKind>(detector.find(foldText(text)).map(({ kind }) => kind));
    const hits = kinds.filter((kind) => seen.has(kind)).length;
    [right, found, labelled] = [right + hits, found + seen.size, labelled + kinds.length];
    if (hits !== kinds.length || hits !== seen.size)
      wrong.push(`${[...seen].join()} for ${kinds.join()}: ${text}`);
  }
  return { precision: right / found, recall: right / labelled, wrong };
}

const SETS: readonly (readonly [Detector, readonly Sample[], { precision: number; recall: number }])[] = [
  [createPiiDetector(), PII_SAMPLES, { precision: 0.98, recall: 0.95 }],
  [createSecretsDetector(), SECRET_SAMPLES, { precision: 0.98, recall: 0.95 }],
  [createInjectionDetector(), INJECTION_SAMPLES, { precision: 0.95, recall: 0.95 }],
  [createTopicsDetector(DENIED), TOPIC_SAMPLES, { precision: 1, recall: 1 }],
];

describe('the labelled samples', () => {
  it('are enough of them, of both kinds', () => {
    const all = SETS.flatMap(([, samples]) => samples);
    expect(all.length).toBeGreaterThanOrEqual(150);
    expect(all.filter(([, ...kinds]) => kinds.length === 0).length).toBeGreaterThanOrEqual(50);
  });

  it.each(SETS)('are told apart by $name, above its floors', (detector, samples, floors) => {
    const { precision, recall, wrong } = measure(detector, samples);
    const figures = `precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}`;
    process.stdout.write(`${detector.name}: ${samples.length} samples, ${figures}\n`);
    expect.soft(precision, wrong.join('\n')).toBeGreaterThanOrEqual(floors.precision);
    expect(recall, wrong.join('\n')).toBeGreaterThanOrEqual(floors.recall);
  });
});

describe('what is found', () => {
  it('is the place in the original, with what nobody sees in it', () => {
    const text = 'Write to ja\u200bne@exam\u200dple.com\u200b now';
    const [span] = createPiiDetector().find(foldText(text));
    expect(text.slice(span?.start, span?.end).replace(/[\u200b\u200d]/gu, '')).toBe('jane@example.com');
    expect(text.slice(0, span?.start)).toBe('Write to ');
  });

  it('is only of the kinds that are asked for', () => {
    const found = createPiiDetector(['CARD']).find(foldText('jane@example.com 4111 1111 1111 1111'));
    expect(found.map(({ kind }) => kind)).toEqual(['CARD']);
  });

  it.each([
    ['digits', '1 '.repeat(10_000)],
    ['signs of addresses', '@'.repeat(20_000)],
    ['names and signs', 'a@'.repeat(10_000)],
    ['colons', ':1'.repeat(10_000)],
    ['names of secrets', 'password='.repeat(2_200)],
    ['beginnings of keys', '-----BEGIN PRIVATE KEY-----'.repeat(740)],
    ['beginnings of tokens', 'eyJaaaaaaaaa.'.repeat(1_500)],
    ['orders', 'ignore all '.repeat(1_800)],
    ['letters that stand alone', 'a '.repeat(10_000)],
    ['what decodes to nothing', 'AAAA'.repeat(5_000)],
    ['ligatures', '\ufdfa'.repeat(10_000)],
  ])('of a text of %s is finite, and no text makes it hang', (_, text) => {
    for (const [detector] of SETS)
      expect(detector.find(foldText(text)).length).toBeLessThanOrEqual(text.length);
  });
});
