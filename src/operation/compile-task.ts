import type { CostSizes } from './cost/cost-schema.ts';
import type { OperationFacts, OperationLimits, OperationVariant, Refusal } from './operation.ts';

/** What operations of one supergraph are compiled with. */
export interface CompileGround {
  /** Tells it from all others of this process. */
  readonly serial: number;
  readonly sdl: string;
  readonly limits: OperationLimits;
  /** Whether operations are planned here, or by the executor. */
  readonly plans: boolean;
  /** Null where costs are not counted. */
  readonly costSizes: CostSizes | null;
  /** Whether each coordinate has to be covered by a subscription. */
  readonly coverage: boolean;
}

/** What a compile thread is started with; what stands there is read anew for each thread that is started. */
export interface CompileWorkerData {
  /** Null while nobody compiles with it: it then has its code loaded, and no more. */
  ground: CompileGround | null;
}

/** What a compile thread is told: another ground, or a task on the ground that it has. */
export type CompileOrder =
  | { readonly ground: CompileGround }
  | { readonly serial: number; readonly task: CompileTask };

/** What a compile thread is asked. */
export type CompileTask =
  | {
      readonly kind: 'compile';
      readonly text: string;
      readonly operationName: string | null;
      readonly mask: string;
    }
  | {
      readonly kind: 'check';
      readonly text: string;
      readonly operationName: string | null;
      /** What the caller holds, as `visibleTo` takes it. */
      readonly held: string;
    }
  | {
      readonly kind: 'introspect';
      readonly document: string;
      readonly variables: Readonly<Record<string, unknown>>;
      readonly held: string;
    };

/** What a compile thread answers. */
export type CompileTaskResult =
  | { readonly kind: 'ready'; readonly threadId: number }
  | { readonly kind: 'compiled'; readonly facts: OperationFacts; readonly variant: OperationVariant }
  | { readonly kind: 'checked'; readonly hiddenInputs: readonly string[] }
  | { readonly kind: 'introspected'; readonly data: Readonly<Record<string, unknown>> }
  | { readonly kind: 'refused'; readonly refusal: Refusal };
