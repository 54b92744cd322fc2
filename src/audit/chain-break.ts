/** How a log differs from what was written. */
export type BreakKind =
  | 'changed'
  | 'removed'
  | 'inserted'
  | 'reordered'
  | 'truncated'
  | 'foreign signature'
  | 'missing segment'
  | 'missing table'
  | 'unrecorded removal';

export interface ChainBreak {
  readonly kind: BreakKind;
  /** One-based; the line that does not follow from the one before it. */
  readonly line: number;
  /** Null where the line says none. */
  readonly seq: number | null;
}
