/** What runs an operation: fetches, in the order and parallelism their data needs. Plain data that crosses threads. */
export interface Plan {
  /** The root field of a subscription; null for any other operation. */
  readonly subscription: FetchStep | null;
  /** Null where nothing needs a subgraph. For a subscription: what completes each event. */
  readonly root: PlanStep | null;
  /** Document of the schema introspection that the operation asks for; answered by the gateway itself. */
  readonly introspection: string | null;
}

/** Every fetch that a plan provides for, in its order. */
export function fetchesOf({ subscription, root }: Plan): readonly FetchStep[] {
  return [...(subscription === null ? [] : [subscription]), ...(root === null ? [] : fetchesIn(root))];
}

/** Every fetch that a step provides for, in its order. */
export function fetchesIn(step: PlanStep): readonly FetchStep[] {
  switch (step.kind) {
    case 'fetch':
      return [step];
    case 'condition':
      return [step.whenTrue, step.whenFalse].flatMap((each) => (each === null ? [] : fetchesIn(each)));
    default:
      return step.steps.flatMap(fetchesIn);
  }
}

export type PlanStep =
  | { readonly kind: 'sequence'; readonly steps: readonly PlanStep[] }
  | { readonly kind: 'parallel'; readonly steps: readonly PlanStep[] }
  | {
      readonly kind: 'condition';
      readonly variable: string;
      readonly whenTrue: PlanStep | null;
      readonly whenFalse: PlanStep | null;
    }
  | FetchStep;

/** One request to one subgraph. */
export interface FetchStep {
  readonly kind: 'fetch';
  readonly subgraph: string;
  /** The operation as the subgraph gets it. */
  readonly query: string;
  readonly operationName: string | null;
  readonly mutation: boolean;
  /** Names of the client's variables that it uses. */
  readonly variables: readonly string[];
  /**
   * Where the objects are that it looks up and completes: response keys, `@` for each list; one empty path at the root.
   * Several where equal fetches of one step were merged.
   */
  readonly paths: readonly (readonly string[])[];
  /** What of each object identifies it to the subgraph; null for a fetch of root fields. */
  readonly requires: readonly RequiredSelection[] | null;
  readonly inputRewrites: readonly DataRewrite[];
  readonly outputRewrites: readonly DataRewrite[];
}

/** A part of a representation. */
export type RequiredSelection =
  | { readonly kind: 'field'; readonly key: string; readonly selections: readonly RequiredSelection[] | null }
  | {
      readonly kind: 'fragment';
      /** Concrete types it applies to. */
      readonly types: readonly string[];
      readonly selections: readonly RequiredSelection[];
    };

/** A change of names or values between the supergraph's view of an object and a subgraph's. */
export interface DataRewrite {
  readonly path: readonly RewriteStep[];
  readonly key: string;
  readonly change:
    | { readonly kind: 'set'; readonly value: unknown }
    | { readonly kind: 'rename'; readonly to: string };
}

export type RewriteStep =
  | { readonly kind: 'field'; readonly key: string }
  | { readonly kind: 'type'; readonly types: readonly string[] };
