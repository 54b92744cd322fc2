import type { FoldedText } from './fold-text.ts';
import type { FindingKind, Span } from './span.ts';

/** The guardrails, by the names that the configuration has for them. */
export const GUARDRAILS = [
  'pii',
  'secrets',
  'injection',
  'topics',
  'sizes',
  'images',
  'outputSchema',
] as const;
export type GuardrailName = (typeof GUARDRAILS)[number];

/** What becomes of what is found: the call ends, the place is taken out, or nothing but the report. */
export type GuardrailAction = 'block' | 'mask' | 'report';
export type GuardrailDirection = 'input' | 'output';

/** What was found and how often. Invariant: nothing of the text. */
export interface Finding {
  readonly guardrail: GuardrailName;
  readonly kind: FindingKind;
  readonly direction: GuardrailDirection;
  readonly action: GuardrailAction;
  readonly count: number;
}

/** Finds places in a text, and tells them as those of the original. Invariant: takes time in proportion to the text, whatever stands in it. */
export interface Detector {
  readonly name: GuardrailName;
  find(text: FoldedText): readonly Span[];
}

/** Adds up findings of the same kind, place and action. */
export class FindingCounts {
  readonly #counts = new Map<string, Finding>();

  add(found: Omit<Finding, 'count'>, count = 1): void {
    const key = `${found.guardrail} ${found.kind} ${found.direction} ${found.action}`;
    this.#counts.set(key, { ...found, count: (this.#counts.get(key)?.count ?? 0) + count });
  }

  get all(): readonly Finding[] {
    return [...this.#counts.values()];
  }

  get hasBlocked(): boolean {
    return this.all.some(({ action }) => action === 'block');
  }
}
