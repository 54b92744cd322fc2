import type { Detector, FindingCounts, GuardrailAction, GuardrailDirection } from './finding.ts';
import { foldText } from './fold-text.ts';
import { maskOf, type Placeholders } from './placeholders.ts';
import { joined, type Span } from './span.ts';

/** Whose words a text has: those of the application, of the conversation, or of a tool's description. */
export type Place = 'instructions' | 'conversation' | 'tools';

/** One guardrail that looks at texts of one direction. */
export interface TextCheck {
  readonly detector: Detector;
  readonly action: GuardrailAction;
  readonly isReversible: boolean;
  readonly places: ReadonlySet<Place>;
}

/** What one check found at one place. */
export interface Located extends Span {
  readonly check: TextCheck;
}

/** What a text is checked for, and where it is told. */
export interface Checking {
  readonly checks: readonly TextCheck[];
  readonly direction: GuardrailDirection;
  readonly counts: FindingCounts;
  /** Null where nothing gets its original back. */
  readonly placeholders: Placeholders | null;
}

/** What stands in a text, by check in their order. */
export function locate(text: string, checks: readonly TextCheck[]): readonly Located[] {
  if (checks.length === 0) return [];
  const folded = foldText(text);
  return checks.flatMap((check) => check.detector.find(folded).map((span) => ({ ...span, check })));
}

/** Counts what was found. */
export function tell(found: readonly Located[], { counts, direction }: Checking): void {
  for (const { check, kind } of found)
    counts.add({ guardrail: check.detector.name, kind, direction, action: check.action });
}

/** A text without what is to be masked. */
export function mask(text: string, found: readonly Located[], { placeholders }: Checking): string {
  const masked = found.filter(({ check }) => check.action === 'mask');
  if (masked.length === 0) return text;
  const reversible = new Set(masked.filter(({ check }) => check.isReversible).map(({ kind }) => kind));
  let result = '';
  let from = 0;
  for (const { start, end, kind } of joined(masked)) {
    const original = text.slice(start, end);
    const back = placeholders !== null && reversible.has(kind);
    result += text.slice(from, start) + (back ? placeholders.of(kind, original) : maskOf(kind));
    from = end;
  }
  return result + text.slice(from);
}

/** Checks a text that is there as a whole. */
export function checkText(text: string, checking: Checking): string {
  const found = locate(text, checking.checks);
  tell(found, checking);
  return mask(text, found, checking);
}
