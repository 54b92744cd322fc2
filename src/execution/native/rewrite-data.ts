import type { DataRewrite, RewriteStep } from '../../operation/plan.ts';
import { type DataObject, isObject } from './entities.ts';

/** Applies the plan's changes of names and values to what goes to a subgraph or comes from it. */
export function rewriteData(rewrites: readonly DataRewrite[], value: unknown): void {
  for (const rewrite of rewrites) applyAt(rewrite, 0, value);
}

function applyAt(rewrite: DataRewrite, at: number, value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) applyAt(rewrite, at, item);
    return;
  }
  if (!isObject(value)) return;
  const step = rewrite.path[at];
  if (step === undefined) change(rewrite, value);
  else if (step.kind === 'field') {
    if (Object.hasOwn(value, step.key)) applyAt(rewrite, at + 1, value[step.key]);
  } else if (isOfType(step, value)) applyAt(rewrite, at + 1, value);
}

/** An object that does not say its type is taken to be of the one the planner expects. */
function isOfType(step: Extract<RewriteStep, { kind: 'type' }>, value: DataObject): boolean {
  const typeName = value['__typename'];
  return typeof typeName !== 'string' || step.types.includes(typeName);
}

function change({ key, change: how }: DataRewrite, value: DataObject): void {
  if (how.kind === 'set') {
    value[key] = how.value;
    return;
  }
  if (!Object.hasOwn(value, key) || value[key] === null || value[key] === undefined) return;
  value[how.to] = value[key];
  delete value[key];
}
