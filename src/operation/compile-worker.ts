import { threadId, workerData } from 'node:worker_threads';
import { LRUCache } from 'lru-cache';
import { GatewayError } from '../errors.ts';
import { readSupergraph } from '../supergraph/read-supergraph.ts';
import { createViewSchemas } from '../supergraph/view-schemas.ts';
import { type CompileContext, compileOperation, type Understood } from './compile.ts';
import type {
  CompileGround,
  CompileOrder,
  CompileTask,
  CompileTaskResult,
  CompileWorkerData,
} from './compile-task.ts';
import { createPlanner } from './plan-operation.ts';
import { checkOnView, introspectView } from './view-task.ts';

/** Reason: a variant is usually asked for right after its operation; a few understood ones save doing it twice. */
const UNDERSTOOD_MAX = 64;

/** What one ground is read into. */
interface Prepared {
  readonly serial: number;
  readonly context: CompileContext;
  readonly views: ReturnType<typeof createViewSchemas>;
  readonly understood: LRUCache<string, Understood>;
}

const { ground: first } = workerData as CompileWorkerData;
let prepared: Prepared | null = first === null ? null : prepare(first);

function prepare({ serial, sdl, limits, plans, costSizes, coverage }: CompileGround): Prepared {
  const supergraph = readSupergraph(sdl);
  const context: CompileContext = {
    supergraphId: supergraph.id,
    schema: supergraph.apiSchema,
    policy: supergraph.policy,
    limits,
    planner: plans ? createPlanner(supergraph.strippedSdl) : null,
    cost: costSizes === null ? null : { rules: supergraph.costRules, sizes: costSizes },
    coverage,
  };
  const understood = new LRUCache<string, Understood>({ max: UNDERSTOOD_MAX });
  return { serial, context, views: createViewSchemas(supergraph), understood };
}

/** Runs in a thread of its own, under a memory cap and a time cap; what it returns is plain data. */
// biome-ignore lint/style/noDefaultExport: the pool calls a worker's default export
export default function run(order: CompileOrder): CompileTaskResult {
  if ('ground' in order) {
    // A thread that was started meanwhile has it already.
    if (prepared?.serial !== order.ground.serial) prepared = prepare(order.ground);
    return { kind: 'ready', threadId };
  }
  // Invariant: nothing is ever compiled by the rules of another ground.
  if (prepared?.serial !== order.serial) throw new Error('The thread has another ground.');
  try {
    return answer(order.task, prepared);
  } catch (error) {
    if (error instanceof GatewayError) {
      return { kind: 'refused', refusal: { code: error.code, details: error.details } };
    }
    // A document can nest deeper than the stack; that is its fault, not the gateway's.
    if (error instanceof RangeError)
      return { kind: 'refused', refusal: { code: 'OPERATION_TOO_COMPLEX', details: [] } };
    throw error;
  }
}

function answer(task: CompileTask, { context, views, understood }: Prepared): CompileTaskResult {
  if (task.kind === 'compile') {
    const key = JSON.stringify([task.text, task.operationName]);
    const operation = understood.get(key) ?? compileOperation(task.text, task.operationName, context);
    understood.set(key, operation);
    return { kind: 'compiled', facts: operation.facts, variant: operation.variant(task.mask) };
  }
  const view = views.get(task.held);
  if (task.kind === 'introspect') {
    return { kind: 'introspected', data: introspectView(task.document, task.variables, view) };
  }
  const { text, operationName } = task;
  const inputs = checkOnView(text, operationName, { schema: context.schema, view, limits: context.limits });
  return { kind: 'checked', hiddenInputs: inputs };
}
