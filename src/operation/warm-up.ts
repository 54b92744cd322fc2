import type { CompiledOperation } from './operation.ts';

/** An operation in use, as much of it as another generation needs to be ready for it. */
export interface HotOperation {
  readonly text: string;
  readonly operationName: string | null;
  /** Tells whether masks mean the same in another generation. */
  readonly guards: string;
  /** Masks that callers had, the empty one left out. */
  readonly masks: readonly string[];
}

/** What became of the operations that were to be ready; `skipped` are those that failed or found no time. */
export interface WarmUpReport {
  readonly compiled: number;
  readonly skipped: number;
}

/** The guards of an operation as text: a mask counts them by number. */
export function guardsKey({ guards, selected }: Pick<CompiledOperation, 'guards' | 'selected'>): string {
  return JSON.stringify([guards, selected]);
}

async function ready(
  { text, operationName, guards, masks }: HotOperation,
  compile: WarmUpOptions['compile'],
): Promise<void> {
  const operation = await compile(text, operationName);
  // Other guards: the same mask would stand for callers that do not exist.
  if (guardsKey(operation) !== guards) return;
  for (const mask of masks) await operation.planFor(mask);
}

export interface WarmUpOptions {
  compile(text: string, operationName: string | null): CompiledOperation | Promise<CompiledOperation>;
  /** Operations compiled at the same time. */
  readonly atOnceMax: number;
  readonly timeoutMs: number;
}

/**
 * Compiles operations in their order, the hottest first; one that no longer compiles is only counted.
 * Invariant: resolves within `timeoutMs`, never rejects; what is being compiled then finishes by itself.
 */
export async function warmUp(hot: readonly HotOperation[], options: WarmUpOptions): Promise<WarmUpReport> {
  let compiled = 0;
  let isOver = false;
  const waiting = hot.values();
  const work = async () => {
    for (const operation of waiting) {
      if (isOver) return;
      const isReady = await ready(operation, options.compile).then(
        () => true,
        () => false,
      );
      if (isReady && !isOver) compiled += 1;
    }
  };
  const expired = Promise.withResolvers<void>();
  const timer = setTimeout(expired.resolve, options.timeoutMs);
  await Promise.race([Promise.all(Array.from({ length: options.atOnceMax }, work)), expired.promise]);
  clearTimeout(timer);
  isOver = true;
  return { compiled, skipped: hot.length - compiled };
}
