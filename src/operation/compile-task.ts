import type { CostSizes } from './cost/cost-schema.ts';
import type { OperationFacts, OperationLimits, OperationVariant, Refusal } from './operation.ts';

/** What a compile worker is started with. */
export interface CompileWorkerData {
  readonly sdl: string;
  readonly limits: OperationLimits;
  /** Whether operations are planned here, or by the executor. */
  readonly plans: boolean;
  /** Null where costs are not counted. */
  readonly costSizes: CostSizes | null;
  /** Whether each coordinate has to be covered by a subscription. */
  readonly coverage: boolean;
}

/** What a compile worker is asked. */
export type CompileTask =
  | { readonly kind: 'ready' }
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

/** What a compile worker answers. */
export type CompileTaskResult =
  | { readonly kind: 'ready' }
  | { readonly kind: 'compiled'; readonly facts: OperationFacts; readonly variant: OperationVariant }
  | { readonly kind: 'checked'; readonly hiddenInputs: readonly string[] }
  | { readonly kind: 'introspected'; readonly data: Readonly<Record<string, unknown>> }
  | { readonly kind: 'refused'; readonly refusal: Refusal };
