import type { Offer } from '../control/grant.ts';
import type { ErrorCode } from '../errors.ts';
import type { StepUp } from '../supergraph/policy.ts';

/** Why something was refused: which rule, under which code, where. */
export interface Reason {
  readonly rule: string;
  readonly code: ErrorCode;
  /** Schema coordinate, such as `Order.total`; null where the whole operation is meant. */
  readonly coordinate: string | null;
  /** Response keys from the root, `@` for a list step; null where no single path is meant. */
  readonly path: readonly (string | number)[] | null;
  /** Products that could be asked for; absent where none would help. */
  readonly products?: readonly Offer[];
  /** How the caller would have to authenticate; absent where that would not help. */
  readonly stepUps?: readonly StepUp[];
}

/**
 * The answer of authorization. A refusal has at least one reason.
 * `mask` names the guards that failed and so which variant of the operation may run.
 */
export type Decision =
  | { readonly effect: 'permit'; readonly mask: ''; readonly reasons: readonly Reason[] }
  | { readonly effect: 'filter'; readonly mask: string; readonly reasons: readonly Reason[] }
  | { readonly effect: 'deny'; readonly reasons: readonly Reason[] }
  | { readonly effect: 'hold'; readonly reasons: readonly Reason[] };
