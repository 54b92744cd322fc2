import { MODEL_OUTCOMES, type ModelAttempt } from '../../audit/event.ts';
import type { SubgraphAnswer } from '../subgraph-answer.ts';
import { isObject } from './entities.ts';

/** What came of models that a subgraph asked, and how many of them it named besides. */
export interface ModelReport {
  readonly models: readonly ModelAttempt[];
  readonly modelsTruncated: number;
}

/** Far more than the calls of one field; what asks for many texts is counted. */
const ATTEMPTS_MAX = 64;
const NAME_CHARS_MAX = 256;
const OUTCOMES: ReadonlySet<unknown> = new Set(MODEL_OUTCOMES);

/**
 * Takes what a subgraph says of the models that it asked out of its answer; null where it says nothing. What is no report of an attempt is left
 * out and counted: a subgraph may be hostile, and the answer counts all the same.
 */
export function modelsIn(answer: SubgraphAnswer): ModelReport | null {
  const extensions = answer.kind === 'answer' ? answer.body['extensions'] : undefined;
  const told = isObject(extensions) ? extensions['models'] : undefined;
  if (!Array.isArray(told) || told.length === 0) return null;
  const models = told.slice(0, ATTEMPTS_MAX).flatMap((each) => attemptOf(each) ?? []);
  return { models, modelsTruncated: told.length - models.length };
}

function attemptOf(value: unknown): ModelAttempt | null {
  if (!isObject(value)) return null;
  const { model, provider, outcome, status, durationMs } = value;
  if (!isName(model) || !isName(provider) || !OUTCOMES.has(outcome) || !isCount(durationMs)) return null;
  if (status !== null && !(isCount(status) && status < 1000)) return null;
  return { model, provider, outcome: outcome as ModelAttempt['outcome'], status, durationMs };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= NAME_CHARS_MAX;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
