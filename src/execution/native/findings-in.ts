import type { GuardrailFinding } from '../../audit/event.ts';
import type { SubgraphAnswer } from '../subgraph-answer.ts';
import { isObject } from './entities.ts';

/** More than there are kinds, directions and actions that one call has. */
const FINDINGS_MAX = 64;
const NAME = /^[A-Za-z][A-Za-z_]{0,31}$/u;
const DIRECTIONS: ReadonlySet<unknown> = new Set(['input', 'output']);
const ACTIONS: ReadonlySet<unknown> = new Set(['block', 'mask', 'report']);

/** Takes what guardrails of a subgraph found out of its answer; null where it says nothing. What is no finding is left out. */
export function findingsIn(
  answer: SubgraphAnswer,
): { readonly findings: readonly GuardrailFinding[] } | null {
  const extensions = answer.kind === 'answer' ? answer.body['extensions'] : undefined;
  const told = isObject(extensions) ? extensions['guardrails'] : undefined;
  if (!Array.isArray(told) || told.length === 0) return null;
  const findings = told.slice(0, FINDINGS_MAX).flatMap((each) => findingOf(each) ?? []);
  return findings.length === 0 ? null : { findings };
}

function findingOf(value: unknown): GuardrailFinding | null {
  if (!isObject(value)) return null;
  const { guardrail, kind, direction, action, count } = value;
  if (!isName(guardrail) || !isName(kind) || !DIRECTIONS.has(direction) || !ACTIONS.has(action)) return null;
  if (!Number.isSafeInteger(count) || (count as number) < 1) return null;
  return { guardrail, kind, direction, action, count } as GuardrailFinding;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}
